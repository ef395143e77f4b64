// The address at which this host reaches a VM, by the VM's network and state.
#include "engine/reach/reach.h"

#include <unistd.h>

#include "catch.h"
#include "engine/fixture.h"
#include "net/addresses.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("reach: a VM with a user-mode network is reached at the loopback address of its number") {
  test::Fixture f;
  auto vm = f.running();
  auto address = address_of(*vm);
  REQUIRE(address);
  CHECK(address->reach == Reach::forwarded);
  CHECK(address->address == host::parse_ipv4(net::loopback_address(vm->record().row().number, ::geteuid())));
}

TEST_CASE("reach: two VMs have two addresses") {
  test::Fixture f;
  CHECK(address_of(*f.running("a"))->address != address_of(*f.running("b"))->address);
}

TEST_CASE("reach: a VM that does not run has no address, and no connection can wake it") {
  test::Fixture f;
  f.config.auto_wake = false;
  auto vm = f.stopped();
  CHECK_FALSE(address_of(*vm));
  REQUIRE(f.start(*vm));
  CHECK(address_of(*vm));
  REQUIRE(f.suspend(*vm));
  CHECK_FALSE(address_of(*vm));
  REQUIRE(f.run(vm->remove(Force::yes)));
  CHECK_FALSE(address_of(*vm));
}

TEST_CASE("reach: a suspended VM that a connection wakes keeps its address") {
  test::Fixture f;
  auto vm = f.running();
  auto address = address_of(*vm);
  REQUIRE(address);
  REQUIRE(f.suspend(*vm));
  REQUIRE(address_of(*vm));
  CHECK(address_of(*vm)->address == address->address);
  REQUIRE(f.run(vm->kill()));
  CHECK_FALSE(address_of(*vm));
}

TEST_CASE("reach: a machine without a user has no address") {
  test::Fixture f;
  auto vm = f.pooled();
  CHECK(vm->state() == vm::State::running);
  CHECK_FALSE(address_of(*vm));
}

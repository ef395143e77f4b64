// Ports of this host that VMs publish: who may have them, when they are open, and where they lead.
#include "engine/reach/published_ports.h"

#include <fmt/format.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/reach/tcp_client.h"

using namespace banger;
using namespace banger::engine;
using test::HeldPort;
using vm::PublishedPort;

namespace {

constexpr host::Ipv4 kLoopback = 0x7f000001;

struct Fixture : test::Fixture {
  /// A stopped VM that publishes this port of the host for its port 80.
  std::shared_ptr<VmOwner> publishing(const std::string& name, std::uint16_t at) {
    auto spec = small_spec();
    spec.publish = {{"127.0.0.1", at, 80}};
    auto vm = record(new_row(name, spec));
    host::Cancel never(daemon->runtime);
    REQUIRE(run(vm->make(stages, never)));
    published.watch(vm);
    return vm;
  }
  std::size_t open(const VmOwner& vm) const { return published.open(vm).size(); }
  Result<PublishedPorts::Reserved> reserve(std::vector<PublishedPort> ports, const VmOwner* by = nullptr) {
    return published.reserve(ports, by);
  }

  PublishedPorts published{daemon->services};
  std::uint16_t port = test::free_port();
};

bool can_be_taken(std::uint16_t port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(kLoopback)}, .sin_zero = {}};
  return ::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && ::listen(socket.get(), 1) == 0;
}

}  // namespace

TEST_CASE("published ports: a port is open while its VM runs, and leads to the guest's loopback") {
  Fixture f;
  auto vm = f.publishing("web", f.port);
  CHECK(f.open(*vm) == 0);
  REQUIRE(f.start(*vm));
  REQUIRE(f.run_until([&] { return f.open(*vm) == 1; }));
  auto client = test::connect_to({kLoopback, f.port});
  test::say(f, client, "hi");
  ::shutdown(client.get(), SHUT_WR);
  CHECK(test::heard(f, client, 100) == "hi");
  CHECK(f.log.has("agent localhost:80"));
  REQUIRE(f.run(vm->kill()));
  CHECK(f.run_until([&] { return f.open(*vm) == 0; }));
  CHECK(can_be_taken(f.port));
}

TEST_CASE("published ports: a port that is in use is refused, with what uses it") {
  Fixture f;
  {
    HeldPort held(kLoopback, f.port);
    auto refused = f.reserve({{"127.0.0.1", f.port, 80}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::busy);
    CHECK(refused.error().message ==
          fmt::format("publish port 127.0.0.1:{}: another program on this host listens there", f.port));
    CHECK(refused.error().hint == "publish another port, or 0:80 for any free port");
  }
  auto vm = f.publishing("web", f.port);
  REQUIRE(f.start(*vm));
  REQUIRE(f.run_until([&] { return f.open(*vm) == 1; }));
  auto refused = f.reserve({{"127.0.0.1", f.port, 80}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == fmt::format("vm 'web' publishes port 127.0.0.1:{}", f.port));
  CHECK(f.reserve({{"127.0.0.1", f.port, 80}}, vm.get()));
}

TEST_CASE("published ports: of several ports all are reserved or none, and a reservation ends with its owner") {
  Fixture f;
  auto other = test::free_port();
  {
    HeldPort held(kLoopback, other);
    CHECK_FALSE(f.reserve({{"127.0.0.1", f.port, 80}, {"127.0.0.1", other, 81}}));
    CHECK(can_be_taken(f.port));
  }
  {
    auto reserved = f.reserve({{"127.0.0.1", f.port, 80}});
    REQUIRE(reserved);
    CHECK_FALSE(can_be_taken(f.port));
    CHECK(f.reserve({{"127.0.0.1", f.port, 80}}).error().code == ErrorCode::busy);
  }
  CHECK(can_be_taken(f.port));
}

TEST_CASE("published ports: a VM takes what was reserved for it") {
  Fixture f;
  auto vm = f.publishing("web", f.port);
  {
    auto reserved = f.reserve({{"127.0.0.1", f.port, 80}}, vm.get());
    REQUIRE(reserved);
    REQUIRE(f.start(*vm));
    f.published.update(*vm);
    CHECK(f.open(*vm) == 1);
  }
  CHECK(f.open(*vm) == 1);
  CHECK_FALSE(can_be_taken(f.port));
}

TEST_CASE("published ports: port 0 of the host becomes a free port") {
  Fixture f;
  std::vector<PublishedPort> ports{{"127.0.0.1", 0, 80}, {"127.0.0.1", 0, 80}};
  auto reserved = f.published.reserve(ports, nullptr);
  REQUIRE(reserved);
  CHECK(ports[0].host != 0);
  CHECK(ports[1].host != 0);
  CHECK(ports[0].host != ports[1].host);
  CHECK_FALSE(can_be_taken(ports[0].host));
}

TEST_CASE("published ports: a running VM that cannot have its port says so, and gets it later") {
  Fixture f;
  auto vm = f.publishing("web", f.port);
  {
    HeldPort held(kLoopback, f.port);
    REQUIRE(f.start(*vm));
    REQUIRE(f.run_until([&] { return !f.published.problems(*vm).empty(); }));
    CHECK(f.open(*vm) == 0);
    CHECK(f.published.problems(*vm)[0].starts_with(
        fmt::format("publish port 127.0.0.1:{}: another program on this host listens there", f.port)));
  }
  f.published.update(*vm);
  CHECK(f.open(*vm) == 1);
  CHECK(f.published.problems(*vm).empty());
}

TEST_CASE("published ports: a change of the VM's ports takes effect at once") {
  Fixture f;
  auto vm = f.publishing("web", f.port);
  REQUIRE(f.start(*vm));
  REQUIRE(f.run_until([&] { return f.open(*vm) == 1; }));
  auto spec = vm->record().spec();
  spec.publish = {{"127.0.0.1", test::free_port(), 81}};
  REQUIRE(f.run(vm->change("web", spec)));
  f.published.update(*vm);
  REQUIRE(f.open(*vm) == 1);
  CHECK(f.published.open(*vm)[0].first == spec.publish[0]);
  CHECK(can_be_taken(f.port));
}

TEST_CASE("published ports: a connection to a port of a suspended VM wakes the VM") {
  Fixture f;
  auto vm = f.publishing("web", f.port);
  REQUIRE(f.start(*vm));
  REQUIRE(f.suspend(*vm));
  REQUIRE(f.run_until([&] { return f.open(*vm) == 1; }));
  auto client = test::connect_to({kLoopback, f.port});
  test::say(f, client, "hi");
  ::shutdown(client.get(), SHUT_WR);
  CHECK(test::heard(f, client, 100) == "hi");
  CHECK(vm->state() == vm::State::running);
}

TEST_CASE("published ports: a wake that fails resets the connection") {
  Fixture f;
  auto vm = f.publishing("web", f.port);
  REQUIRE(f.start(*vm));
  REQUIRE(f.suspend(*vm));
  REQUIRE(f.run_until([&] { return f.open(*vm) == 1; }));
  f.log.fail_on("vmm start");
  auto client = test::connect_to({kLoopback, f.port});
  test::say(f, client, "hi");
  CHECK(test::ending(f, client) == ECONNRESET);
  CHECK(vm->state() == vm::State::suspended);
  CHECK(f.open(*vm) == 1);
}

TEST_CASE("published ports: a suspended VM has no open ports if no connection may wake it") {
  Fixture f;
  f.config.auto_wake = false;
  auto vm = f.publishing("web", f.port);
  REQUIRE(f.start(*vm));
  REQUIRE(f.run_until([&] { return f.open(*vm) == 1; }));
  REQUIRE(f.suspend(*vm));
  CHECK(f.run_until([&] { return f.open(*vm) == 0; }));
}

TEST_CASE("published ports: a machine without a user publishes nothing") {
  Fixture f;
  auto pooled = f.pooled();
  f.published.watch(pooled);
  auto spec = pooled->record().spec();
  spec.publish = {{"127.0.0.1", f.port, 80}};
  REQUIRE(f.run(pooled->change(".pool", spec)));
  f.published.update(*pooled);
  CHECK(f.open(*pooled) == 0);
}

TEST_CASE("published ports: at a loopback address other users are refused, and elsewhere they are not") {
  for (auto clients : {config::ForwardClients::owner, config::ForwardClients::all})
    for (const char* address : {"127.0.0.1", "0.0.0.0"}) {
      bool welcome = clients == config::ForwardClients::all || std::string_view(address) == "0.0.0.0";
      Fixture f;
      f.config.forward_clients = clients;
      bool root = ::geteuid() == 0;
      PublishedPorts strangers(f.daemon->services, root ? 0 : ::geteuid() + 1);
      auto spec = f.small_spec();
      spec.publish = {{address, f.port, 80}};
      auto vm = f.running();
      REQUIRE(f.run(vm->change("box", spec)));
      strangers.watch(vm);
      REQUIRE(f.run_until([&] { return strangers.open(*vm).size() == 1; }));
      if (root) ::setfsuid(4711);
      auto client = test::connect_to({kLoopback, f.port});
      if (root) ::setfsuid(0);
      test::say(f, client, "hi");
      ::shutdown(client.get(), SHUT_WR);
      CHECK(test::heard(f, client, 100) == (welcome ? "hi" : ""));
    }
}

#include "roles/cli/open_network.h"

#include "catch.h"

using namespace banger;
using namespace banger::roles::cli;

TEST_CASE("open network: people learn that a guest reaches this host, unless they chose that") {
  using enum vm::NetworkChoice;
  api::VmObject vm{};
  vm.name = "web";
  vm.nat = true;
  vm.network = "user";
  CHECK(open_network_note(vm, automatic).starts_with("web is in the user network"));
  CHECK(open_network_note(vm, user).empty());
  vm.nat = false;
  CHECK(open_network_note(vm, automatic).empty());
  vm.nat = true;
  vm.network = "bridge";
  CHECK(open_network_note(vm, automatic).empty());
}

// The bridge in a private network: what differs for the VM, its guest, the host and doctor.
#include <unistd.h>

#include "bridge_host.h"
#include "capabilities/bridge/network.h"
#include "capabilities/privileged_table.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  Fixture() {
    operations.is = Privileged::Way::private_network;
    auto own = host::namespaces_of(::getpid());
    REQUIRE(own);
    operations.private_network = std::make_shared<const host::Namespaces>(std::move(*own));
    bridge = std::make_unique<BridgeNetwork>(resource_host());
    REQUIRE(bridge->load());
  }
  vm::Network resolved(vm::NetworkChoice asked) {
    vm::Spec wanted{.network = vm::Network::user};
    auto done = run(bridge->resolve(asked, wanted));
    CHECK(done.has_value() == (asked != vm::NetworkChoice::bridge || operations.fails == "nothing"));
    return wanted.network;
  }

  vm::Spec spec{.network = vm::Network::bridge};
  std::unique_ptr<BridgeNetwork> bridge;
};

}  // namespace

TEST_CASE("private network: a machine starts in it, and its guest asks the bridge for names") {
  Fixture b;
  VmContext vm{.runtime = b.runtime, .log = b.log, .id = kVm, .spec = b.spec};
  machine::MachineConfig machine;
  REQUIRE(b.run(b.bridge->acquire(vm, machine)));
  CHECK(machine.network == b.operations.private_network);
  CHECK(machine.taps.size() == 1);
  CHECK(b.bridge->port(kVm)->dns == std::vector<std::string>{"172.16.0.1"});
  CHECK(b.bridge->port(kVm)->host_names);
  CHECK(b.bridge->port(kVm)->mtu > 1500);
  CHECK(b.operations.count("names.listen") == 1);
  // The host is not in that network, so it reaches the guest in another way.
  CHECK(!b.bridge->address(kVm, b.spec));
}

TEST_CASE("private network: the LAN is closed before the guest is admitted, unless the config opens it") {
  Fixture b;
  VmContext vm{.runtime = b.runtime, .log = b.log, .id = kVm, .spec = b.spec};
  machine::MachineConfig machine;
  REQUIRE(b.run(b.bridge->acquire(vm, machine)));
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  auto asked = [&](const char* operation) {
    return std::ranges::find_if(b.operations.asked, [&](const auto& each) { return each.starts_with(operation); });
  };
  REQUIRE(asked("lan.set") != b.operations.asked.end());
  CHECK(asked("lan.set") < asked("nat.set"));
  CHECK(asked("lan.set")->find(R"("open":false)") != std::string::npos);
  // The rule stays, so it is not made again for that address. Another network has no rules yet.
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  CHECK(b.operations.count("lan.set") == 1);
  auto own = host::namespaces_of(::getpid());
  b.operations.private_network = std::make_shared<const host::Namespaces>(std::move(*own));
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  CHECK(b.operations.count("lan.set") == 2);
  b.config.guest_lan = true;
  own = host::namespaces_of(::getpid());
  b.operations.private_network = std::make_shared<const host::Namespaces>(std::move(*own));
  b.operations.asked.clear();
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  CHECK(asked("lan.set")->find(R"("open":true)") != std::string::npos);
}

TEST_CASE("private network: a guest with a policy has its gate there, and reaches no LAN without it") {
  Fixture b;
  b.spec.egress = "none";
  VmContext vm{.runtime = b.runtime, .log = b.log, .id = kVm, .spec = b.spec};
  machine::MachineConfig machine;
  REQUIRE(b.run(b.bridge->acquire(vm, machine)));
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  REQUIRE(b.gate.place);
  CHECK(b.gate.place->network == b.operations.private_network);
  CHECK(b.gate.place->bridge.address == 0xac100001);
  CHECK(b.operations.count("lan.set") == 1);
}

TEST_CASE("private network: it is the automatic choice, and user-mode networking takes its place when it fails") {
  using enum vm::NetworkChoice;
  Fixture b;
  CHECK(b.resolved(automatic) == vm::Network::bridge);
  CHECK(b.resolved(user) == vm::Network::user);
  b.operations.fails = "bridge.ensure";
  CHECK(b.resolved(automatic) == vm::Network::user);
  (void)b.resolved(bridge);
}

TEST_CASE("private network: the keeper may end when the bridge is gone") {
  Fixture b;
  CHECK(b.resolved(vm::NetworkChoice::automatic) == vm::Network::bridge);
  b.run(b.bridge->close());
  CHECK(b.operations.count("bridge.remove") == 1);
  CHECK(b.operations.rests == 1);
  CHECK(b.operations.count("dns.route") == 0);
}

TEST_CASE("private network: doctor tells what is missing, and fails only where a bridge was asked for") {
  Fixture b;
  auto check = [&] { return b.run(b.bridge->checks()).at(0); };
  CHECK(check().status == CheckStatus::pass);
  b.operations.is = Privileged::Way::none;
  b.operations.lacks = fail(ErrorCode::unavailable, "pasta is not installed", "apt install passt").error();
  CHECK(check().status == CheckStatus::warn);
  CHECK(check().detail.find("pasta is not installed") == 0);
  CHECK(check().hint == "apt install passt");
  b.config.network = vm::NetworkChoice::bridge;
  CHECK(check().status == CheckStatus::fail);
}

TEST_CASE("private network: its operations are those of the bridge, and none that reaches the host's files") {
  std::vector<std::string> names;
  for (const auto* operation : private_network_table()) names.emplace_back(operation->name);
  CHECK(names == std::vector<std::string>{"bridge.ensure", "bridge.remove", "tap.create", "tap.delete", "nat.set",
                                          "nat.clear", "gate.listen", "host.close", "lan.set", "names.listen",
                                          "proxy.listen"});
}

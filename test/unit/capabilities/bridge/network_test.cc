// The life of a VM's tap and lease: the journal, the calls to the helper, and the state after a crash.
#include "capabilities/bridge/network.h"

#include "bridge_host.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  Fixture() { restart(); }
  void restart() {
    bridge = std::make_unique<BridgeNetwork>(resource_host());
    REQUIRE(bridge->load());
  }
  Result<machine::MachineConfig> acquire() {
    VmContext vm{.runtime = runtime, .log = log, .id = kVm, .spec = spec};
    machine::MachineConfig machine;
    if (auto acquired = run(bridge->acquire(vm, machine)); !acquired) return std::unexpected(acquired.error());
    return machine;
  }
  Result<vm::Network> resolved(vm::NetworkChoice asked) {
    vm::Spec wanted{.network = vm::Network::user};
    if (auto done = run(bridge->resolve(asked, wanted)); !done) return std::unexpected(done.error());
    return wanted.network;
  }

  vm::Spec spec{.network = vm::Network::bridge};
  std::unique_ptr<BridgeNetwork> bridge;
};

}  // namespace

TEST_CASE("bridge: a VM gets a tap and an address, which it keeps when the machine has ended") {
  Fixture b;
  auto machine = b.acquire();
  REQUIRE(machine);
  REQUIRE(machine->taps.size() == 1);
  CHECK(machine->taps[0].fd->get() >= 0);
  CHECK(machine->taps[0].mac == b.bridge->port(kVm)->mac);
  CHECK(b.bridge->port(kVm)->address == "172.16.0.2/24");
  CHECK(b.owners("tap") == std::vector<std::string>{kVm});
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  CHECK(b.operations.count("nat.set") == 1);
  b.run(b.bridge->release(kVm));
  CHECK(b.operations.count("tap.delete") == 1);
  CHECK(b.owners("tap").empty());
  CHECK(!b.bridge->port(kVm));
  CHECK(b.bridge->address(kVm, b.spec) == "172.16.0.2");
  b.bridge->forget(kVm);
  CHECK(b.bridge->address(kVm, b.spec) == "");
}

TEST_CASE("bridge: a VM with user-mode networking causes no call, and gets no address from the bridge") {
  Fixture b;
  b.spec.network = vm::Network::user;
  CHECK(b.acquire()->taps.empty());
  CHECK(b.run(b.bridge->admit(kVm, b.spec)));
  b.run(b.bridge->release(kVm));
  CHECK(b.operations.asked.empty());
  CHECK(!b.bridge->address(kVm, b.spec));
}

TEST_CASE("bridge: the next daemon knows the tap of a crash, admits its guest again and removes it in the end") {
  Fixture b;
  REQUIRE(b.acquire());
  b.restart();
  CHECK(b.bridge->holders() == std::vector<std::string>{kVm});
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  CHECK(b.bridge->port(kVm)->address == "172.16.0.2/24");
  b.run(b.bridge->release(kVm));
  CHECK(b.owners("tap").empty());
}

TEST_CASE("bridge: acquiring again gives back what the first time was acquired") {
  Fixture b;
  REQUIRE(b.acquire());
  REQUIRE(b.acquire());
  CHECK(b.operations.count("tap.create") == 2);
  CHECK(b.operations.count("tap.delete") == 1);
  CHECK(b.owners("tap").size() == 1);
}

TEST_CASE("bridge: a tap that cannot be removed is the bridge's from then on, and no longer the VM's") {
  Fixture b;
  REQUIRE(b.acquire());
  b.operations.fails = "tap.delete";
  b.run(b.bridge->release(kVm));
  CHECK(b.owners("tap") == std::vector<std::string>{store::kBridgeOwner});
  CHECK(b.bridge->holders().empty());
  b.restart();
  CHECK(b.bridge->holders().empty());
}

TEST_CASE("bridge: a tap that could not be made is recorded all the same") {
  Fixture b;
  b.operations.fails = "tap.create";
  CHECK(b.acquire().error().message == "network: not today");
  CHECK(b.bridge->holders() == std::vector<std::string>{kVm});
  CHECK(b.owners("tap") == std::vector<std::string>{kVm});
}

TEST_CASE("bridge: nat of a machine that runs changes at once, and nothing else does") {
  Fixture b;
  REQUIRE(b.acquire());
  auto after = b.spec;
  after.vcpus = 7;
  CHECK(*b.run(b.bridge->change(kVm, b.spec, after)) == TakesEffect::after_restart);
  CHECK(b.operations.count("nat.set") == 0);
  after.nat = false;
  CHECK(*b.run(b.bridge->change(kVm, b.spec, after)) == TakesEffect::at_once);
  CHECK(b.operations.asked.back().find(R"("nat":false)") != std::string::npos);
}

TEST_CASE("bridge: a guest is admitted with its bandwidth, which changes at once") {
  Fixture b;
  REQUIRE(b.acquire());
  b.spec.net_bandwidth_bytes = 1 << 20;
  REQUIRE(b.run(b.bridge->admit(kVm, b.spec)));
  CHECK(b.operations.asked.back().find(R"("bandwidth":1048576)") != std::string::npos);
  auto after = b.spec;
  after.net_bandwidth_bytes = 0;
  CHECK(*b.run(b.bridge->change(kVm, b.spec, after)) == TakesEffect::at_once);
  CHECK(b.operations.asked.back().find(R"("bandwidth":0)") != std::string::npos);
}

TEST_CASE("bridge: a bandwidth is refused where nothing enforces it, and chooses the bridge where something can") {
  using enum vm::NetworkChoice;
  Fixture b;
  vm::Spec wanted{.network = vm::Network::user};
  wanted.net_bandwidth_bytes = 1 << 20;
  auto refused = b.bridge->check(wanted);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().hint.find("--net-bandwidth 0") != std::string::npos);
  wanted.nat = false;  // it reaches nothing
  CHECK(b.bridge->check(wanted));
  wanted.nat = true;
  wanted.network = vm::Network::bridge;
  CHECK(b.bridge->check(wanted));
  b.operations.is = Privileged::Way::in_process;  // where the user network is the automatic one
  CHECK(b.resolved(automatic) == vm::Network::user);
  wanted.network = vm::Network::user;
  REQUIRE(b.run(b.bridge->resolve(automatic, wanted)));
  CHECK(wanted.network == vm::Network::bridge);
}

TEST_CASE("bridge: an automatic network is the bridge where the host is installed for it and its kernel has bridges") {
  using enum vm::NetworkChoice;
  Fixture b;
  CHECK(b.resolved(user) == vm::Network::user);
  CHECK(b.resolved(automatic) == vm::Network::bridge);
  b.restart();
  b.operations.fails = "bridge.ensure";
  CHECK(b.resolved(automatic) == vm::Network::bridge);
  b.operations.code = ErrorCode::unsupported;
  CHECK(b.resolved(automatic) == vm::Network::user);
  CHECK(b.resolved(bridge) == vm::Network::bridge);
  b.operations.is = Privileged::Way::none;
  CHECK(b.resolved(automatic) == vm::Network::user);
  CHECK(b.resolved(bridge).error().code == ErrorCode::unavailable);
}

TEST_CASE("bridge: doctor says that it cannot be had, and fails only where it was asked for") {
  Fixture b;
  b.operations.is = Privileged::Way::none;
  for (auto [network, status] :
       {std::pair{vm::NetworkChoice::automatic, CheckStatus::pass}, {vm::NetworkChoice::bridge, CheckStatus::fail}}) {
    b.config.network = network;
    auto checks = b.run(b.bridge->checks());
    REQUIRE(checks.size() == 1);
    CHECK(checks[0].status == status);
  }
}

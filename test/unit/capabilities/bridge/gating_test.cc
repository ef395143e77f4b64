// Egress policies of guests on the bridge: the gate knows a policy before the firewall leads the guest there.
#include <nlohmann/json.hpp>

#include "bridge_host.h"
#include "capabilities/bridge/network.h"

using namespace banger;
using namespace banger::capabilities;
using namespace std::chrono_literals;

namespace {

struct Fixture : BridgeHost {
  Fixture() {
    config.egress_policies["ci"] = {"*.example.org"};
    bridge = std::make_unique<BridgeNetwork>(resource_host());
    REQUIRE(bridge->load());
    operations.watcher = [this](const std::string& operation) {
      if (operation == "nat.set") at_firewall = gate.policies;
    };
  }
  void acquire() {
    VmContext vm{.runtime = runtime, .log = log, .id = kVm, .spec = spec};
    machine::MachineConfig machine;
    REQUIRE(run(bridge->acquire(vm, machine)));
  }
  Result<> admit() { return run(bridge->admit(kVm, spec)); }
  /// Changes a running VM to the fixture's spec.
  TakesEffect change(const vm::Spec& before) {
    auto done = run(bridge->change(kVm, before, spec));
    REQUIRE(done);
    return *done;
  }
  /// The arguments of the last `nat.set`.
  Json last() const {
    for (auto each = operations.asked.rbegin(); each != operations.asked.rend(); ++each)
      if (each->starts_with("nat.set ")) return Json::parse(each->substr(8));
    return {};
  }

  vm::Spec spec{.network = vm::Network::bridge};
  std::unique_ptr<BridgeNetwork> bridge;
  std::map<std::string, egress::Policy> at_firewall;  ///< the gate's policies at the last `nat.set`
};

}  // namespace

TEST_CASE("gating: the gate has the policy of a guest before the firewall leads the guest there") {
  Fixture f;
  f.spec.egress = "none";
  f.spec.allow = {"example.org:443"};
  f.acquire();
  CHECK(f.gate.policies.empty());
  REQUIRE(f.admit());
  CHECK(f.at_firewall.at(kVm) == *egress::Policy::make("none", {"example.org:443"}));
  CHECK(f.gate.addresses.at(kVm) == 0xac100002);
  REQUIRE(f.gate.place);
  CHECK(f.gate.place->bridge.name == "br-t");
  CHECK(f.gate.place->bridge.range().text() == "172.16.0.0/24");
  CHECK(f.gate.place->network == nullptr);
  auto last = f.last();
  CHECK(last.at("gated") == "all");
  CHECK(last.at("gate_tcp") == 2001);
  CHECK(last.at("gate_names_udp") == 2002);
  CHECK(last.at("gate_names_tcp") == 2003);
}

TEST_CASE("gating: a policy of the config has its own rules, then those of the VM") {
  Fixture f;
  f.spec.egress = "ci";
  f.spec.allow = {"10.0.0.5"};
  f.acquire();
  REQUIRE(f.admit());
  CHECK(f.at_firewall.at(kVm) == *egress::Policy::make("ci", {"*.example.org", "10.0.0.5"}));
  CHECK(f.last().at("gated") == "all");
}

TEST_CASE("gating: a guest that is open has no gate") {
  Fixture f;
  f.acquire();
  REQUIRE(f.admit());
  f.run(f.bridge->release(kVm));
  CHECK_FALSE(f.gate.place);
  CHECK(f.gate.addresses.empty());
  CHECK(f.gate.cleared.empty());
  CHECK(f.last().at("gated") == "none");
  CHECK(f.last().at("gate_tcp") == 0);
}

TEST_CASE("gating: of an open guest with rules, only what is closed to it goes to the gate") {
  Fixture f;
  f.spec.allow = {"192.168.1.5:22"};
  f.acquire();
  REQUIRE(f.admit());
  CHECK(f.at_firewall.at(kVm) == *egress::Policy::make("open", {"192.168.1.5:22"}));
  CHECK(f.last().at("gated") == "closed");
  CHECK(f.last().at("gate_tcp") == 2001);
}

TEST_CASE("gating: a guest without nat has no rules, and with a policy no way to other guests either") {
  Fixture f;
  f.spec.nat = false;
  f.acquire();
  REQUIRE(f.admit());
  CHECK(f.last().at("gated") == "none");
  CHECK_FALSE(f.gate.place);
  f.spec.allow = {"example.org"};
  f.spec.egress = "none";
  REQUIRE(f.admit());
  CHECK(f.last().at("gated") == "all");
  CHECK(f.gate.policies.at(kVm) == *egress::Policy::make("none", {}));
}

TEST_CASE("gating: without a gate a guest with a policy is not admitted") {
  Fixture f;
  f.spec.egress = "none";
  f.acquire();
  f.gate.trouble = Error{.code = ErrorCode::unavailable, .message = "no gate today"};
  auto admitted = f.admit();
  REQUIRE_FALSE(admitted);
  CHECK(admitted.error().message == "egress: no gate today");
  CHECK(f.operations.count("nat.set") == 0);
}

TEST_CASE("gating: a policy that the config has lost does not become open") {
  Fixture f;
  f.spec.egress = "ci";
  f.acquire();
  f.config.egress_policies.clear();
  CHECK(f.admit().error().code == ErrorCode::invalid);
  CHECK(f.operations.count("nat.set") == 0);
}

TEST_CASE("gating: a changed policy takes effect at once, for the gate first") {
  Fixture f;
  f.acquire();
  REQUIRE(f.admit());
  auto before = f.spec;
  f.spec.egress = "none";
  CHECK(f.change(before) == TakesEffect::at_once);
  CHECK(f.operations.count("nat.set") == 2);
  CHECK(f.last().at("gated") == "all");
  CHECK(f.at_firewall.contains(kVm));

  before = f.spec;
  f.spec.allow = {"a.org"};
  CHECK(f.change(before) == TakesEffect::at_once);
  CHECK(f.operations.count("nat.set") == 3);
  CHECK(f.at_firewall.at(kVm) == *egress::Policy::make("none", {"a.org"}));

  before = f.spec;
  CHECK(f.change(before) == TakesEffect::after_restart);
  CHECK(f.operations.count("nat.set") == 3);
}

TEST_CASE("gating: the gate forgets a policy only once the firewall leads the guest past it") {
  Fixture f;
  f.spec.egress = "none";
  f.acquire();
  REQUIRE(f.admit());
  auto before = f.spec;
  f.spec.egress = "open";
  CHECK(f.change(before) == TakesEffect::at_once);
  CHECK(f.last().at("gated") == "none");
  CHECK(f.at_firewall.contains(kVm));
  CHECK(f.gate.policies.empty());

  // Nothing is cleared while the firewall still leads there.
  before = f.spec;
  f.spec.egress = "none";
  f.change(before);
  before = f.spec;
  f.spec.nat = false;
  f.operations.fails = "nat.set";
  CHECK_FALSE(f.run(f.bridge->change(kVm, before, f.spec)));
  CHECK(f.gate.policies.contains(kVm));
}

TEST_CASE("gating: a guest that has ended has no policy, and its log goes with the VM") {
  Fixture f;
  f.spec.egress = "none";
  f.acquire();
  REQUIRE(f.admit());
  f.run(f.bridge->release(kVm));
  CHECK(f.gate.policies.empty());
  CHECK(f.gate.cleared == std::vector<std::string>{kVm});
  CHECK(f.gate.forgotten.empty());
  f.bridge->forget(kVm);
  f.run(f.runtime.sleep_for(1ms));
  CHECK(f.gate.forgotten == std::vector<std::string>{kVm});
  // The gate of an earlier daemon may know a VM that this one has never told it of.
  f.bridge->forget("otherothervm");
  f.run(f.runtime.sleep_for(1ms));
  CHECK(f.gate.forgotten.size() == 2);
}

TEST_CASE("gating: the gate ends with the bridge, not while a VM is on it") {
  Fixture f;
  f.spec.egress = "none";
  f.acquire();
  REQUIRE(f.admit());
  f.run(f.bridge->close());
  CHECK(f.gate.closed == 0);
  f.run(f.bridge->release(kVm));
  f.run(f.bridge->close());
  CHECK(f.gate.closed == 1);
}

TEST_CASE("gating: the gate has the secrets of a guest with its policy, also after a change of either") {
  Fixture f;
  f.spec.egress = "none";
  f.spec.allow = {"a.example.org"};
  f.spec.secrets = {{.name = "TOKEN", .hosts = {"a.example.org"}}};
  f.acquire();
  REQUIRE(f.admit());
  CHECK(f.gate.secrets.at(kVm) == f.spec.secrets);
  auto before = f.spec;
  f.spec.secrets.clear();
  CHECK(f.change(before) == TakesEffect::at_once);
  CHECK(f.gate.secrets.at(kVm).empty());
  before = f.spec;
  f.spec.labels = {{"a", "b"}};
  CHECK(f.change(before) == TakesEffect::after_restart);
}

TEST_CASE("gating: a VM whose secrets the gate would not see is refused") {
  Fixture f;
  f.spec.secrets = {{.name = "TOKEN", .hosts = {"a.example.org"}}};
  auto refusal = [&] { return f.bridge->check(f.spec).error().message; };
  CHECK(refusal().starts_with("a VM with the egress policy 'open' can have no secrets"));
  f.spec.egress = "ci";
  CHECK(f.bridge->check(f.spec));
  f.spec.network = vm::Network::user;
  CHECK(refusal().starts_with("a VM with the user network can have no secrets"));
}

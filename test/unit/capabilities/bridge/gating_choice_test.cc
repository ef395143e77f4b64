// Which network a VM with an egress policy gets, and which policies no network of it can enforce.
#include "bridge_host.h"
#include "capabilities/bridge/network.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  Fixture() {
    config.egress_policies["ci"] = {"*.example.org"};
    config.egress_policies["empty"] = {};
    bridge = std::make_unique<BridgeNetwork>(resource_host());
    REQUIRE(bridge->load());
  }
  Result<vm::Network> resolved(vm::NetworkChoice asked, vm::Spec wanted) {
    if (auto done = run(bridge->resolve(asked, wanted)); !done) return std::unexpected(done.error());
    return wanted.network;
  }
  /// The code of the check's error; nullopt: the policy can be enforced.
  std::optional<ErrorCode> refused(const vm::Spec& spec) const {
    auto checked = bridge->check(spec);
    if (checked) return std::nullopt;
    CHECK_FALSE(checked.error().hint.empty());
    return checked.error().code;
  }
  std::unique_ptr<BridgeNetwork> bridge;
};

const vm::Spec kRules{.egress = "none", .allow = {"a.org"}}, kNamed{.egress = "ci"}, kNone{.egress = "none"}, kOpen,
    kOpenRules{.allow = {"10.0.0.5"}};

}  // namespace

TEST_CASE("gating: an automatic network is the bridge for a policy, also where it would be the user network") {
  using enum vm::NetworkChoice;
  Fixture f;
  f.operations.is = Privileged::Way::in_process;
  CHECK(f.resolved(automatic, kOpen) == vm::Network::user);
  CHECK(f.resolved(automatic, kNone) == vm::Network::user);
  for (const auto& spec : {kRules, kNamed, kOpenRules}) CHECK(f.resolved(automatic, spec) == vm::Network::bridge);
}

TEST_CASE("gating: a policy without rules of its own in the config needs the bridge too") {
  Fixture f;
  f.operations.is = Privileged::Way::in_process;
  CHECK(f.resolved(vm::NetworkChoice::automatic, {.egress = "empty"}) == vm::Network::bridge);
  CHECK(f.refused({.egress = "empty"}) == ErrorCode::unsupported);
}

TEST_CASE("gating: where there can be no bridge, a policy that needs one is an error with a way out") {
  Fixture f;
  f.operations.is = Privileged::Way::none;
  auto resolved = f.resolved(vm::NetworkChoice::automatic, kRules);
  REQUIRE_FALSE(resolved);
  CHECK(resolved.error().code == ErrorCode::unavailable);
  CHECK_FALSE(resolved.error().hint.empty());
  CHECK(f.resolved(vm::NetworkChoice::automatic, kNone) == vm::Network::user);
}

TEST_CASE("gating: a network that the user asked for stays, and is refused where it enforces nothing") {
  Fixture f;
  CHECK(f.resolved(vm::NetworkChoice::user, kRules) == vm::Network::user);
  for (const auto& spec : {kRules, kNamed, kOpenRules}) CHECK(f.refused(spec) == ErrorCode::unsupported);
  CHECK(f.bridge->check(kRules).error().message.find("none, except a.org") != std::string::npos);
  CHECK_FALSE(f.refused(kOpen));
  CHECK_FALSE(f.refused(kNone));
}

TEST_CASE("gating: the bridge enforces every policy that there is") {
  Fixture f;
  for (auto spec : {kRules, kNamed, kNone, kOpen, kOpenRules}) {
    spec.network = vm::Network::bridge;
    CHECK_FALSE(f.refused(spec));
  }
  for (auto network : {vm::Network::bridge, vm::Network::user})
    CHECK(f.refused({.network = network, .egress = "unknown"}) == ErrorCode::invalid);
}

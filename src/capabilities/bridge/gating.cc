#include "capabilities/bridge/gating.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "capabilities/egress_policy.h"
#include "capabilities/secret_hosts.h"

namespace banger::capabilities {

namespace {

constexpr std::size_t kShownPolicyBytes = 80;

// A user network is open or closed as a whole, so it can do without a gate.
bool user_network_can(const egress::Policy& policy) { return policy.rules().empty() && policy.egress() == "none"; }

// Without nat there is no way outside, so no rule counts. With a policy there is none to other guests either.
Result<egress::Policy> effective_policy(const config::Config& config, const vm::Spec& spec) {
  auto policy = TRY(policy_of(config, spec));
  return spec.nat || !needs_gate(policy) ? policy : egress::Policy::make("none", {});
}

net::Gated gated_of(const egress::Policy& policy) {
  if (!needs_gate(policy)) return net::Gated::none;
  return policy.is_open() ? net::Gated::closed : net::Gated::all;
}

}  // namespace

Result<> Gating::check(const vm::Spec& spec) const {
  TRY(check_secret_hosts(host_.config, spec));
  TRY(check_secret_network(spec));
  auto policy = TRY(policy_of(host_.config, spec));
  if (spec.network == vm::Network::bridge || !needs_gate(policy) || user_network_can(policy)) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("a VM with the user network cannot have the egress policy '{}': nothing enforces its rules",
                          printable(egress::to_text(policy), kShownPolicyBytes)),
              "use a bridge or a private network (banger doctor tells what they need), or --egress open or none "
              "without --allow");
}

bool Gating::needs_bridge(const vm::Spec& spec) const {
  auto policy = policy_of(host_.config, spec);
  return policy && needs_gate(*policy) && !user_network_can(*policy);
}

Task<Result<GateChoice>> Gating::prepare(std::string vm_id, net::Ipv4 address, const vm::Spec& spec) {
  auto policy = CO_TRY(effective_policy(host_.config, spec));
  auto gated = gated_of(policy);
  if (gated == net::Gated::none) co_return GateChoice{};
  auto ports = CO_TRY(co_await host_.egress.open({*device_.made(), host_.privileged.network(), proxy_.endpoint()}));
  known_.insert(vm_id);
  CO_TRY(co_await host_.egress.set(std::move(vm_id), {address, std::move(policy), spec.secrets}));
  co_return GateChoice{gated, ports};
}

Task<> Gating::settle(std::string vm_id, const vm::Spec& spec) {
  auto policy = effective_policy(host_.config, spec);
  if (policy && needs_gate(*policy)) co_return;
  co_await release(std::move(vm_id));
}

Task<> Gating::release(std::string vm_id) {
  if (known_.contains(vm_id)) co_await host_.egress.clear(std::move(vm_id));
}

void Gating::forget(const std::string& vm_id) {
  known_.erase(vm_id);
  // The gate of an earlier daemon may know the VM too.
  host_.runtime.spawn(host_.egress.forget(vm_id));
}

}  // namespace banger::capabilities

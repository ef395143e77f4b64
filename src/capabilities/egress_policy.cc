#include "capabilities/egress_policy.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "egress/bounds.h"
#include "vm/bounds.h"

namespace banger::capabilities {

// What a record can hold, a policy can.
static_assert(limits::kAllowRules == limits::kEgressRules && limits::kAllowRuleBytes == limits::kEgressRuleBytes);

namespace {

bool is_built_in(std::string_view name) { return name == vm::kOpenEgress || name == vm::kNoEgress; }

std::unexpected<Error> unknown_policy(const config::Config& config, const std::string& name) {
  std::vector<std::string> known{std::string(vm::kOpenEgress), std::string(vm::kNoEgress)};
  for (const auto& [each, rules] : config.egress_policies) known.push_back(each);
  auto shown = printable(name, limits::kEgressNameBytes);
  auto hint = did_you_mean(name.substr(0, limits::kEgressNameBytes), known);
  if (hint.empty()) hint = fmt::format("add [egress.{}] to the config, or use open or none", shown);
  return fail(ErrorCode::invalid, fmt::format("the config has no egress policy '{}'", shown), std::move(hint));
}

}  // namespace

Result<egress::Policy> policy_of(const config::Config& config, const vm::Spec& spec) {
  if (is_built_in(spec.egress)) return egress::Policy::make(spec.egress, spec.allow);
  auto found = config.egress_policies.find(spec.egress);
  if (found == config.egress_policies.end()) return unknown_policy(config, spec.egress);
  auto rules = found->second;
  // Alone first, so that the error of a wrong rule says where the rule is.
  TRY(in(fmt::format("[egress.{}] of the config", spec.egress), egress::Policy::make(spec.egress, rules)));
  rules.insert(rules.end(), spec.allow.begin(), spec.allow.end());
  return egress::Policy::make(spec.egress, rules);
}

Result<> check_policies(const config::Config& config) {
  for (const auto& [name, rules] : config.egress_policies) TRY(policy_of(config, {.egress = name}));
  TRY(in("default_egress", policy_of(config, {.egress = config.default_egress})));
  return {};
}

bool needs_gate(const egress::Policy& policy) { return !policy.is_open() || !policy.rules().empty(); }

}  // namespace banger::capabilities

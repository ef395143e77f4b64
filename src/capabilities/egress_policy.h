// The egress policy of a VM: the rules of the config's policy, then those of the VM's own list. Pure.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "egress/policy.h"
#include "vm/spec.h"

namespace banger::capabilities {

/// What the guest may reach outside. `invalid` with a way out for a policy that the config lacks, and for a text that
/// is no rule (egress/rule.h). The error of a rule in the config names its policy.
Result<egress::Policy> policy_of(const config::Config& config, const vm::Spec& spec);

/// Whether each policy of the config, and the default of new VMs, can be used. The error names the policy.
Result<> check_policies(const config::Config& config);

/// False for the policy that is open without rules, which the firewall enforces without a gate.
bool needs_gate(const egress::Policy& policy);

}  // namespace banger::capabilities

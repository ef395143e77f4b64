// The limits of a VM's spec at its machine: at the start, and for a machine that runs.
#pragma once

#include "engine/vm/parts.h"

namespace banger::engine {

machine::DiskLimits disk_limits_of(const vm::Spec& spec);

/// Gives the running machine the limits of its VM's spec.
Task<Result<>> limit_machine(VmParts& vm);
/// The same after a change of the spec, if that changes a limit.
Task<Result<>> change_limits(VmParts& vm, const vm::Spec& before);

}  // namespace banger::engine

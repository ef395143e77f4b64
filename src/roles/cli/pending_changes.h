// Which changes of a VM wait for its next start, for `vm set` and `vm rename`.
#pragma once

#include <string>

#include "api/objects/vm.h"

namespace banger::roles::cli {

/// "" if no change waits, else "; --vcpu will change at the next start (…)". `vm`: the result of vm.set.
std::string pending_changes(const api::VmObject& vm);

}  // namespace banger::roles::cli

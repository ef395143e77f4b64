// The end of a guest's boot, as its init sees it.
#pragma once

#include <string>

#include "host/runtime.h"
#include "roles/agent/run_dir.h"

namespace banger::roles::agent {

/// Waits until systemd has no jobs left, and at most limits::kBootEndDeadline. The boot target is reached a moment
/// before that. `path_variable` is where systemctl is. Other inits are not waited for.
Task<> wait_for_boot_end(host::Runtime& runtime, InitKind init, std::string path_variable);

}  // namespace banger::roles::agent

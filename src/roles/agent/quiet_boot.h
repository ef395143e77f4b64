// The end of the boot under an init that does not report it. The agent looks for what such an init leaves behind.
#pragma once

#include <string>

#include "roles/agent/context.h"

namespace banger::roles::agent {

/// Whether banger itself finds the end of the boot. systemd reports it. Other inits count as booted when they begin.
bool is_quiet(InitKind init);

/// Whether that init has started the services of its last runlevel. `root` has the guest's /run and /proc.
bool has_booted(InitKind init, const std::string& root = "");

/// Marks the system as ready when the guest has booted, or at the latest after limits::kQuietBootDeadline. Returns at
/// once where banger does not have to look.
Task<> watch_boot(ContextPtr context);

}  // namespace banger::roles::agent

// Starts the keeper of a session as a process of its own.
#pragma once

#include <optional>

#include "host/child.h"
#include "roles/agent/exec/sessions/keeper.h"

namespace banger::roles::agent {

/// The child has not started the session yet: KeeperStart::ready shows that.
Result<std::optional<host::Child>> start_keeper(KeeperStart start);

/// The main function of that process: `banger-agent keep-session`.
void run_keeper(std::string run_dir, std::string session_directory);

}  // namespace banger::roles::agent

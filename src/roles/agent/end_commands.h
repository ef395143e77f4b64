// The first step of a guest's orderly end. systemd stops services in order, but it knows nothing of the commands that
// clients run through the agent. They would keep /root busy, and would lose their clients with the agent.
#pragma once

#include "base/result.h"
#include "roles/agent/run_dir.h"

namespace banger::roles::agent {

/// Sends SIGTERM and SIGHUP to the commands of the running agent, and waits for a while until they have ended. The
/// agent sends their ends to the clients meanwhile. A command that stays is left to init.
Result<> end_commands(const RunDir& run_dir);

}  // namespace banger::roles::agent

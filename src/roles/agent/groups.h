// The agent's own place in the guest's cgroups (version 2; Documentation/admin-guide/cgroup-v2.rst). Two groups stand
// directly below the root, beside those of the guest's init. systemd leaves groups alone that it did not make.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::roles::agent {

inline constexpr std::string_view kAgentGroup = "banger-agent";        ///< the agent and its supervisor
inline constexpr std::string_view kCommandsGroup = "banger-commands";  ///< a group for each command of a client

/// The mount point of cgroup2 in the text of a mountinfo file (proc(5)); empty when it is not mounted. Pure.
std::string find_cgroup2(std::string_view mountinfo);

/// Moves this process and its parent (unless the parent is process 1) into kAgentGroup below `root`. Returns the path
/// of the group. May be repeated.
Result<std::string> move_agent(const std::string& root);

/// Writes a file of a cgroup.
Result<> put_control(const std::string& path, std::string_view text);

}  // namespace banger::roles::agent

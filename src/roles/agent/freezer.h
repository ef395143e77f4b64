// Stopping everything in the guest but the agent and its supervisor, by the freezer of cgroup v2
// (Documentation/admin-guide/cgroup-v2.rst, "cgroup.freeze"). What is frozen is remembered in a file, so that an agent
// that was started anew can still thaw it.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Moves this process and its parent (unless that is process 1) into a cgroup of their own and freezes every other one
/// directly below the root. Gives back how many stand still; 0 where no cgroup2 is mounted. `mounts` is a mountinfo
/// file (proc(5)), `memory` the file that remembers. Blocks, at most two seconds.
Result<int> freeze_others(const std::string& mounts, const std::string& memory);

/// Lets run again what is remembered, and forgets it. Nothing remembered is success.
Result<> thaw(const std::string& memory);

/// Where cgroup2 is mounted, by the text of a mountinfo file; empty when it is nowhere. Pure.
std::string find_cgroup2(std::string_view mountinfo);

}  // namespace banger::roles::agent

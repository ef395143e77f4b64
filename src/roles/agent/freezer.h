// Stops every process of the guest but the agent and its supervisor, with the freezer of cgroup v2
// (Documentation/admin-guide/cgroup-v2.rst, "cgroup.freeze"). A file records the frozen groups, so that a restarted
// agent can still thaw them.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Moves this process and its parent (unless the parent is process 1) into a cgroup of their own. Freezes every other
/// cgroup directly below the root. Returns the number of frozen groups; 0 if no cgroup2 is mounted. `mounts` is a
/// mountinfo file (proc(5)), `record` the file for the frozen groups. Blocks for at most two seconds.
Result<int> freeze_others(const std::string& mounts, const std::string& record);

/// Thaws the recorded groups and removes the record. A missing record is success.
Result<> thaw(const std::string& record);

/// The mount point of cgroup2 in the text of a mountinfo file; empty when it is not mounted. Pure.
std::string find_cgroup2(std::string_view mountinfo);

}  // namespace banger::roles::agent

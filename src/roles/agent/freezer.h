// Stops every process of the guest but the agent and its supervisor, with the freezer of cgroup v2
// (Documentation/admin-guide/cgroup-v2.rst, "cgroup.freeze"). A file records the frozen groups, so that a restarted
// agent can still thaw them.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Moves the agent into a cgroup of its own (groups.h). Freezes every other cgroup directly below the root, except that
/// of the clients' commands. Returns the number of frozen groups; 0 if no cgroup2 is mounted. `mounts` is a
/// mountinfo file (proc(5)), `record` the file for the frozen groups. Blocks for at most two seconds.
Result<int> freeze_others(const std::string& mounts, const std::string& record);

/// Thaws the recorded groups and removes the record. A missing record is success.
Result<> thaw(const std::string& record);

}  // namespace banger::roles::agent

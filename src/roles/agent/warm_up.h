// Work that every clone of a template would do before it takes its identity, done once in the template.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// Maps the agent's program, and overwrites a file of `root` with its own content. At a cgroup's first write, the file
/// system sets up its accounting for that cgroup. REQUIRES: freeze_others() has moved the agent to its own cgroup.
Result<> warm_up(const std::string& root);

}  // namespace banger::roles::agent

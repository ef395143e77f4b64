// Makes a guest's working tree harmless for the host's git: no git directory, hook or special file is left in it.
// Blocking.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace banger::workspace {

/// Moves the git directory of `tree` to `away`, and makes the rest readable. Removes repositories inside the tree, and
/// all that is neither a file, a directory nor a symlink. Returns the names of these repositories. `not_found` if
/// `tree` has no git directory. Follows no symlink.
Result<std::vector<std::string>> quarantine(const std::string& tree, const std::string& away);

}  // namespace banger::workspace

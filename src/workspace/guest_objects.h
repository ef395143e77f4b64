// The objects of a guest's repository, brought into a private one. Blocking.
#pragma once

#include <string>

#include "workspace/git.h"

namespace banger::workspace {

/// Takes packs and loose objects from the hostile git directory `from`, and no other file. Packs pass through
/// git-index-pack(1), which computes the ids of all objects. `corrupt` when a pack is damaged.
Result<> take_objects(const Git& git, const std::string& git_directory, const std::string& from);

/// The id that HEAD of the hostile git directory leads to, or an empty text.
Result<std::string> head_of(const std::string& from);

}  // namespace banger::workspace

// The objects of a guest's repository, brought into a private one. Blocking.
#pragma once

#include <string>
#include <vector>

#include "workspace/git.h"

namespace banger::workspace {

/// Takes packs and loose objects from the hostile git directory `from`, and no other file. Packs pass through
/// git-index-pack(1), which computes the ids of all objects. `corrupt` when a pack is damaged.
Result<> take_objects(const Git& git, const std::string& git_directory, const std::string& from);

struct GuestHead {
  std::string id;      ///< empty: no commit
  std::string branch;  ///< without refs/heads/; empty for a detached HEAD
};

/// Where HEAD of the hostile git directory leads to.
Result<GuestHead> head_of(const std::string& from);

/// Brings the list of commits at which the hostile git directory is cut into a private one. Only ids are taken.
Result<> take_shallow(const std::string& git_directory, const std::string& from);

/// The names in the index of the hostile git directory; the file is moved into the private one. No names if there is
/// no index. `corrupt` when git cannot read it.
Result<std::vector<std::string>> names_in_index(const Git& git, const std::string& git_directory,
                                                const std::string& from);

}  // namespace banger::workspace

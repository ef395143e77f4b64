// What a guest need not send back for a comparison, because this host has it. That is the objects of the commit that
// was prepared, and the files that are as that commit has them. Blocking.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workspace/blobs.h"
#include "workspace/git.h"
#include "workspace/manifest.h"

namespace banger::workspace {

/// Where this host has a commit that it has brought into a guest.
struct PreparedBase {
  std::string top;                 ///< a checkout of the repository
  std::vector<std::string> packs;  ///< names of the packs that the guest's repository got with it

  std::string text() const;
  /// Reads what text() has written. A damaged text leads to an empty `top`.
  static PreparedBase parse(std::string_view text);
};

/// The packs of a repository.
std::vector<std::string> packs_in(const std::string& git_directory);

struct Unchanged {
  std::string objects;  ///< the directory with the base's objects, of a repository of the user
  FileStates files;     ///< the files that are as the base has them
  std::string index;    ///< their entries, for `git update-index -z --index-info`
  std::string names;    ///< what the guest need not send, with a zero byte after each name
};

/// Compares the guest's files with the commit. `blobs`: contents whose ids are known; other files count as changed.
/// `not_found` when the host no longer has the commit, or only a part of its objects.
Result<Unchanged> find_unchanged(const host::GetEnv& env, const PreparedBase& base, const std::string& commit,
                                 const FileStates& guest, const Blobs& blobs, const StopFlag* stop = nullptr);

}  // namespace banger::workspace

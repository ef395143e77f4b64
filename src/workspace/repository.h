// The git directory of a guest, made on the host in a private directory. Nothing in it comes from files of the source
// repository but objects: configuration, references and index are written anew. Blocking.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/paths.h"
#include "workspace/start.h"

namespace banger::workspace {

struct Source {
  const Checkout& checkout;
  const Git& git;
  const host::GetEnv& env;
  const StopFlag* stop = nullptr;
};

struct GuestRepository {
  std::string git_directory;  ///< becomes `.git`
  std::string files;          ///< a directory with the files whose content is that of git; empty if there are none
  std::string head;           ///< the content of HEAD
  std::map<std::string, std::string> refs;  ///< branches and tags: name → id
  std::string state;                        ///< a digest of what the git directory was made of
  /// Git directories of submodules, and the paths of these submodules.
  std::vector<std::pair<std::string, std::string>> inner = {};
  std::size_t commits = 0;  ///< of the history
  bool cut = false;         ///< older commits did not travel
};

/// Makes both in `directory`, which must exist, be private and be empty. Mode::full_copy takes all commits, and the
/// others take the latest limits::kHistoryCommits.
///
/// Errors: `unavailable`, with a hint, when a partial clone lacks objects. Nothing is fetched.
Result<GuestRepository> make_repository(const Source& source, const Start& start, const std::string& directory);

/// The digest without the work, to see whether a git directory would be the same.
Result<std::string> state_of_repository(const Source& source, const Start& start);

}  // namespace banger::workspace

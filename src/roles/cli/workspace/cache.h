// What this host remembers of checkouts and commits, so that work need not be done again: files in the user's cache
// directory. Everything works without them.
#pragma once

#include <string>
#include <string_view>

#include "roles/cli/io.h"

namespace banger::roles::cli {

inline constexpr std::string_view kFilesText = "files";  ///< about a checkout: its files (workspace/stat_cache.h)
inline constexpr std::string_view kBlobsText = "blobs";  ///< about a checkout: its contents (workspace/blobs.h)
inline constexpr std::string_view kBaseText = "base";    ///< about a commit: where it is (workspace/unchanged.h)

class WorkspaceCache {
 public:
  explicit WorkspaceCache(const Io& io);

  /// The text about a thing, for example the path of a checkout. `kind` tells several texts about it apart. Empty if
  /// there is none.
  std::string load(std::string_view kind, std::string_view about) const;
  /// Also removes the texts that nobody has stored again for limits::kWorkspaceCacheAge.
  void store(std::string_view kind, std::string_view about, const std::string& text) const;

 private:
  std::string path_of(std::string_view kind, std::string_view about) const;
  void prune() const;

  std::string directory_;
};

}  // namespace banger::roles::cli

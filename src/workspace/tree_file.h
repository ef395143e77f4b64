// Files of a working tree, reached without following any symlink, so that no name leads out of the tree.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::workspace {

/// Opens `path` beneath the open directory `top` (openat2(2)). With O_PATH, a symlink at the end is opened itself.
Result<UniqueFd> open_in_tree(int top, const std::string& path, int flags);

/// The content of a regular file beneath `top`. `invalid` for all else.
Result<std::string> read_in_tree(int top, const std::string& path, std::size_t most);

/// The target of a symlink that was opened with O_PATH.
Result<std::string> target_of(int link);

/// What a file is for a comparison of two sides.
struct FileState {
  bool link = false;
  bool executable = false;
  std::string hash;  ///< SHA-256 of the content, or of a symlink's target, lower-case hex

  bool operator==(const FileState&) const = default;
};

/// Reads the file. `invalid` for all that is neither a regular file nor a symlink.
Result<FileState> state_of(int top, const std::string& path);

}  // namespace banger::workspace

// The second half of a download. The files have arrived completely in a stage, and now move to their places.
#pragma once

#include <string>

#include "roles/cli/copy.h"

namespace banger::roles::cli {

/// A temporary directory, which the destructor removes with all files in it.
class StageDir {
 public:
  static Result<StageDir> make(const std::string& parent);
  /// Makes the stage in the user's cache, which may be on another file system than the target.
  static Result<StageDir> make_in_cache(Io& io);
  StageDir(StageDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  StageDir& operator=(StageDir&&) = delete;
  ~StageDir() { remove(); }

  void remove();
  const std::string& path() const { return path_; }

 private:
  explicit StageDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Makes a stage from which a rename reaches the landing. If no rename is possible, the stage is in the user's cache.
Result<StageDir> stage_for(Io& io, const Landing& landing);

/// Moves `arrived`, which is inside `stage`, to the landing.
Result<> put_in_place(StageDir stage, const std::string& arrived, const Landing& landing);

/// Moves `from` to `to`, merges directories and replaces files. Never follows a symlink. A device or a file with
/// several names stays and gets the new content. `exists` when a file would have to become another kind of file.
Result<> merge_move(const std::string& from, const std::string& to);

}  // namespace banger::roles::cli

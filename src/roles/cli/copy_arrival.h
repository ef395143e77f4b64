// The second half of a download: what has arrived whole in a directory of ours goes to where it belongs.
#pragma once

#include <string>

#include "roles/cli/copy.h"

namespace banger::roles::cli {

/// A directory of ours that goes with everything in it.
class StageDir {
 public:
  static Result<StageDir> make(const std::string& parent);
  /// In the user's cache, which may be on another file system than what is copied to.
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

/// Where a rename reaches the landing, if one will be done and may be.
Result<StageDir> stage_for(Io& io, const Landing& landing);

/// From `arrived`, inside `stage`, to the landing.
Result<> put_in_place(StageDir stage, const std::string& arrived, const Landing& landing);

/// Moves what is at `from` to `to`, merging directories and replacing files; never through a symlink. A device or a
/// file of several names gets the content; what cannot keep its kind is `exists`.
Result<> merge_move(const std::string& from, const std::string& to);

}  // namespace banger::roles::cli

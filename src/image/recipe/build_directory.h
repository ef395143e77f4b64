// The directory into which mmdebstrap unpacks. It lies outside the user's home, which the ids of the user namespace
// cannot enter.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::image {

/// `/var/tmp/banger-build-<uid>-<random>` (or in /tmp, where there is more room), mode 0755. It is held by flock(2) as
/// long as this object or a process that inherited lock_fd() lives.
class BuildDirectory {
 public:
  /// Removes abandoned directories first.
  static Task<Result<BuildDirectory>> make(host::Runtime& runtime, std::string path_variable, host::Cancel& cancel);

  /// Directories of this user that no process holds: their builds ended by a crash or a power cut.
  static std::vector<std::string> abandoned();
  /// Removes a directory, with files that ids of a user namespace own. Does nothing while a build holds the directory.
  static Task<Result<>> remove(host::Runtime& runtime, std::string path_variable, std::string path);

  const std::string& path() const { return path_; }
  int lock_fd() const { return lock_.get(); }
  /// Removes this directory, with the leftovers of a killed build.
  Task<> clean_up();

 private:
  BuildDirectory(host::Runtime& runtime, std::string path_variable, std::string path, UniqueFd lock)
      : runtime_(&runtime), path_variable_(std::move(path_variable)), path_(std::move(path)), lock_(std::move(lock)) {}
  host::Runtime* runtime_;
  std::string path_variable_, path_;
  UniqueFd lock_;
};

}  // namespace banger::image

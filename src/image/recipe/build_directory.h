// Where mmdebstrap unpacks: a directory outside the user's home, which the ids of its user namespace could not enter.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::image {

/// `/var/tmp/banger-build-<uid>-<random>` (or in /tmp, where there is more room), mode 0755, held by flock(2) for as
/// long as this object or a process that inherited lock_fd() lives.
class BuildRoom {
 public:
  /// Removes abandoned ones first.
  static Task<Result<BuildRoom>> make(host::Runtime& runtime, std::string path_variable, host::Cancel& cancel);

  /// Rooms of this user that nobody holds any more: those of builds that a crash or power cut ended.
  static std::vector<std::string> abandoned();
  /// Removes one, also what ids of a user namespace own in it. Nothing happens while a build holds it.
  static Task<Result<>> remove(host::Runtime& runtime, std::string path_variable, std::string path);

  const std::string& path() const { return path_; }
  int lock_fd() const { return lock_.get(); }
  /// Removes it, with what a build that was killed left in it.
  Task<> clean_up();

 private:
  BuildRoom(host::Runtime& runtime, std::string path_variable, std::string path, UniqueFd lock)
      : runtime_(&runtime), path_variable_(std::move(path_variable)), path_(std::move(path)), lock_(std::move(lock)) {}
  host::Runtime* runtime_;
  std::string path_variable_, path_;
  UniqueFd lock_;
};

}  // namespace banger::image

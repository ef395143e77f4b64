// A file of the cache that holds an image on its way to the daemon.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

/// Removed by its destruction. `image prune` and `gc` remove what a crash leaves of it, because its name and its lock
/// are those of an unfinished download.
class Spool {
 public:
  static Result<Spool> make(const Io& io);
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  int fd() const { return file_.get(); }
  const std::string& path() const { return path_; }
  const std::string& directory() const { return directory_; }

 private:
  Spool(std::string directory, std::string path, UniqueFd file)
      : directory_(std::move(directory)), path_(std::move(path)), file_(std::move(file)) {}
  std::string directory_, path_;
  UniqueFd file_;
};

}  // namespace banger::roles::cli

// The daemon's socket, as a thing in the file system that may be taken away or replaced under it.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace banger::roles::daemon {

class OwnSocket {
 public:
  /// Remembers which file `path` is now: right after listening on it.
  static Result<OwnSocket> at(std::string path);

  /// False once the path leads to nothing, or to someone else's socket: nobody can reach this daemon any more.
  bool in_place() const;
  /// Removes it, if it is still ours.
  void remove() const;

 private:
  OwnSocket(std::string path, dev_t device, ino_t inode) : path_(std::move(path)), device_(device), inode_(inode) {}
  std::string path_;
  dev_t device_;
  ino_t inode_;
};

}  // namespace banger::roles::daemon

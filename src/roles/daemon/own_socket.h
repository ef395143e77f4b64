// The daemon's socket file. Other programs may remove or replace this file while the daemon runs.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace banger::roles::daemon {

class OwnSocket {
 public:
  /// Remembers the inode at `path`. Call this right after the daemon has made the socket.
  static Result<OwnSocket> at(std::string path);

  /// False when the path leads to nothing or to another file. Then no client can reach this daemon any more.
  bool in_place() const;
  /// Removes the socket file, unless another file has taken its place.
  void remove() const;

 private:
  OwnSocket(std::string path, dev_t device, ino_t inode) : path_(std::move(path)), device_(device), inode_(inode) {}
  std::string path_;
  dev_t device_;
  ino_t inode_;
};

}  // namespace banger::roles::daemon

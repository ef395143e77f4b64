#include "roles/daemon/own_socket.h"

#include <sys/stat.h>

#include <cerrno>

#include "host/files.h"

namespace banger::roles::daemon {

Result<OwnSocket> OwnSocket::at(std::string path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return fail_errno(path);
  return OwnSocket(std::move(path), info.st_dev, info.st_ino);
}

bool OwnSocket::in_place() const {
  struct stat info{};
  // Other errors may be temporary, so the socket counts as present.
  if (::lstat(path_.c_str(), &info) < 0) return errno != ENOENT && errno != ENOTDIR;
  return info.st_dev == device_ && info.st_ino == inode_;
}

void OwnSocket::remove() const {
  if (in_place()) (void)host::remove_file(path_);
}

}  // namespace banger::roles::daemon

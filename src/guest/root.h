// File operations inside a guest's root directory. Every path is resolved by the kernel as if after chroot(2)
// (openat2(2), RESOLVE_IN_ROOT): neither ".." nor a symlink of the image leads out. This class does not know the
// purpose of any file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guest/changes.h"
#include "guestcfg/guest_config.h"

namespace banger::guest {

class Root {
 public:
  /// `changes` (borrowed) gets every path that the methods below change. With Changes::Do::only_list they change
  /// nothing, and answer as if they had.
  static Result<Root> open(const std::string& directory, Changes* changes = nullptr);

  /// As open(2), relative to the root whether or not `path` starts with '/'. A symlink in the last part is followed
  /// unless O_NOFOLLOW is set.
  Result<UniqueFd> open_path(const std::string& path, int flags) const;
  bool exists(const std::string& path) const;  ///< follows symlinks
  Result<std::string> read_file(const std::string& path, std::size_t max_bytes) const;
  /// The target of a symlink; empty when `path` is not a symlink.
  std::string link_target(const std::string& path) const;

  /// The directory (O_PATH). When missing, it is made with `mode` and the owner, and its parents as 0755 root.
  Result<UniqueFd> make_directory(const std::string& path, mode_t mode = 0755, uid_t uid = 0, gid_t gid = 0) const;

  /// A directory that the guest needs (O_PATH), whatever its image has there: a file, or a link that leads nowhere, is
  /// replaced. Parents too. A new directory gets exactly `mode`.
  Result<UniqueFd> force_directory(const std::string& path, mode_t mode = 0755) const;

  /// A directory that only its owner may enter, made or tightened.
  Result<> make_private_directory(const std::string& path, uid_t uid, gid_t gid) const;

  /// Replaces file.path in one step; a symlink there is replaced, not followed. A file that is right already is not
  /// touched, so that the overlay does not copy it up from a lower layer. True when something changed.
  Result<bool> write_file(const guestcfg::File& file) const;
  /// As write_file, but also replaces an empty directory. Some images have one there, because container engines mount
  /// their own file over it.
  Result<bool> force_file(const guestcfg::File& file) const;
  /// As write_file, but overwrites a plain file of that owner and mode in place. Use it only where readers allow that,
  /// and where nothing is lost if the guest dies half-way. In a clone, a new file and a rename take most of the time
  /// until the clone has its identity.
  Result<bool> update_file(const guestcfg::File& file) const;
  /// Replaces a symlink in one step, as write_file does.
  Result<bool> write_symlink(const std::string& target, const std::string& path) const;
  /// A missing file is fine, also where its directory is none.
  Result<> remove_file(const std::string& path) const;

 private:
  Root(UniqueFd fd, Changes* changes) : fd_(std::move(fd)), changes_(changes) {}
  /// Notes a change. False when it must not be made.
  bool may_change(const std::string& path) const;
  UniqueFd fd_;
  Changes* changes_;
};

/// Both parts of a path without trailing '/': "/a/b" gives "/a" and "b"; "/b" gives "/" and "b".
std::pair<std::string, std::string> split_path(const std::string& path);

/// A path for calls that take no descriptor (mount(2)): /proc/self/fd/N, valid while `fd` is open.
std::string fd_path(int fd);

}  // namespace banger::guest

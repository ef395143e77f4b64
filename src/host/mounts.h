// Mounts that only this process and what it starts can see, made by descriptor: what was looked at is what is mounted,
// whatever its name leads to by then. Sources: mount_namespaces(7), open_tree(2), move_mount(2), mount_setattr(2).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

enum class MountUse {
  read,   ///< a file that is read
  write,  ///< a file that is also written
  root,   ///< a directory that becomes a root: written, with programs and devices
};

/// A mount of just the file or directory that is open, attached nowhere yet. No set-user-id bit counts in it.
/// REQUIRES: `file` was opened in this process's mount namespace.
Result<UniqueFd> mount_of(const UniqueFd& file, MountUse use);
/// Puts a mount of mount_of over what `target` holds open.
Result<> attach_mount(const UniqueFd& mount, const UniqueFd& target);

/// Leaves the mount namespace of whoever started this process: what is mounted from here on is seen nowhere else and
/// goes with the last process in here. REQUIRES: no other threads.
Result<> leave_shared_mounts();
/// An empty file system in memory over the directory `path`.
Result<> mount_in_memory(const std::string& path);

}  // namespace banger::host

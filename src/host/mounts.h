// Mounts that only this process and its children can see, made by descriptor. The checked file is the mounted file,
// even if its name leads elsewhere by then. Sources: mount_namespaces(7), open_tree(2), move_mount(2),
// mount_setattr(2).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

enum class MountUse {
  read,   ///< a file for reading
  write,  ///< a file for reading and writing
  root,   ///< a directory that becomes a root: writable, with programs and devices
};

/// Makes a mount of only the open file or directory, attached nowhere yet. Set-user-id bits have no effect in it.
/// REQUIRES: `file` was opened in this process's mount namespace.
Result<UniqueFd> mount_of(const UniqueFd& file, MountUse use);
/// Attaches a mount of mount_of over the file or directory that `target` holds open.
Result<> attach_mount(const UniqueFd& mount, const UniqueFd& target);

/// Moves this process into a mount namespace of its own. Mounts from now on are invisible elsewhere, and end with the
/// last process in the namespace. REQUIRES: no other threads.
Result<> unshare_mounts();
/// Mounts an empty file system in memory over the directory `path`.
Result<> mount_in_memory(const std::string& path);

}  // namespace banger::host

// Trees as tar streams, for `vm cp`, both in the guest and on the host. Blocking; run on the pool or a thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tar/placement.h"

namespace banger::tar {

/// Writes `path` (a file, symlink or directory tree, itself not followed) to `tar_fd` as a pax stream whose entries
/// start with `name_in_archive`. Owners, modes, mtimes, symlinks, hard links, sparse files, fifos and xattrs are kept;
/// sockets are skipped. A file that shrinks during the read is padded, and the error comes at the end. After any other
/// error the stream has no end marker, so that its reader fails too.
Result<> pack_tree(const std::string& path, const std::string& name_in_archive, int tar_fd);

struct UnpackOptions {
  bool keep_owner = false;  ///< chown to the numeric owner (guest side, root)
  bool keep_setid = false;  ///< keep setuid, setgid and sticky bits, and file capabilities
  std::uint64_t max_bytes = UINT64_MAX;
  Target top = Target::found;  ///< `named`: a file at the top is written through a symlink with its name
};

/// Unpacks into the existing `directory`. Hostile input: nothing outside `directory` is ever touched. Absolute names,
/// "..", and paths through symlinks are `invalid`, whether the archive made the symlink or not. Devices are refused.
/// Existing files are replaced in one step, or overwritten as placement.h says. Existing directories are merged and
/// keep their owner, mode and times. `exists` when a file and a directory have the same name. Hard links may lead only
/// to files of the same archive. Reads `tar_fd` to its end.
Result<> unpack_tree(int tar_fd, const std::string& directory, const UnpackOptions& options);

}  // namespace banger::tar

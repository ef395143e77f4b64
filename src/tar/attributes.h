// Owner, mode, times and extended attributes of unpacked objects.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "tar/reader.h"

namespace banger::tar {

struct Keep {
  bool owner = false;  ///< the numeric owner, and attributes that only root sets
  bool setid = false;  ///< setuid and setgid bits, and file capabilities
};

/// `stated`: false for a directory that the archive never named. It gets only a mode.
Result<> apply_attributes(int fd, const TarEntry& entry, Keep keep, bool stated);

/// The same for a symlink or a FIFO, which are not opened.
Result<> apply_attributes_at(int parent, const std::string& name, const TarEntry& entry, Keep keep);

}  // namespace banger::tar

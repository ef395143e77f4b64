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

/// For a file that replaces another one. The file becomes what cp leaves when it writes over `name`: owner, mode and
/// extended attributes are those of the old file. Its time is that of the entry.
Result<> apply_attributes_of(int fd, int parent, const std::string& name, Keep keep);
Result<> apply_time(int fd, const TarEntry& entry);

/// The same for a symlink or a FIFO, which are not opened.
Result<> apply_attributes_at(int parent, const std::string& name, const TarEntry& entry, Keep keep);

}  // namespace banger::tar

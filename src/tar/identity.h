// Which object a path leads to. Two paths with the same identity are one object, whatever links are between them.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

namespace banger::tar {

/// DEVICE:INODE, as long as the object exists.
std::string identity_of(const struct stat& info);

/// The identities of a directory, of the one around it, and so on up to the root. The kernel resolves `path`. Empty
/// when it is no directory, or when it cannot be read.
std::vector<std::string> directories_around(const std::string& path);

}  // namespace banger::tar

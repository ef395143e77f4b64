// Names of files that are open.
#pragma once

#include <string>

namespace banger::host {

/// Whether the path still names the open file or directory. Its holder may have renamed or removed it before this
/// process got its lock.
bool is_at(int fd, const std::string& path);

}  // namespace banger::host

// The one initrd file that a VMM accepts, made of several archives. The kernel unpacks the archives in order, later
// ones over earlier ones (Documentation/driver-api/early-userspace/buffer-format.rst).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace banger::machine {

/// Replaces `path` (mode 0600) by the archives, each padded to 4 bytes. The first archive is the large one, and becomes
/// a reflink where the file system supports reflinks. Blocking.
Result<> write_initrd(const std::vector<std::string>& archives, const std::string& path);

}  // namespace banger::machine

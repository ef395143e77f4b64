// The file of the host that a registered image uses. banger only ever reads it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace banger::image {

struct Image;

/// What was known of the file when it was registered. A rename changes the time of the inode, and a start of the host
/// may change the number of the device. So these are left out. The inode, and who may write, tell a swapped file.
struct HostFile {
  std::string path;              ///< absolute, without links
  std::int64_t modified_ns = 0;  ///< since 1970
  std::uint64_t inode = 0;       ///< 0: an older version registered the file
  bool operator==(const HostFile&) const = default;
};

/// Looks at a file that a user names. `invalid` when it is no regular file. `denied` when another user could change
/// what VMs boot: by its owner or mode, or by those of a directory above it.
Result<HostFile> host_file_at(const std::string& path);

/// Whether the image's file is still the one that was registered, by its inode, size and time. `unavailable` when it
/// is gone, `corrupt` when it has changed, and the errors of host_file_at(), with a way out. An image without such a
/// file is always fine.
Result<> check_host_file(const Image& image);

}  // namespace banger::image

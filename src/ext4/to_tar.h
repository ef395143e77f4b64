// An ext4 image as a tar stream, for layers of container images. No mount, no root.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"

namespace banger::ext4 {

/// Writes all files of an image that banger made to `tar_fd`, as a pax stream. The same image gives the same bytes.
/// Owners, modes, times, extended attributes, hard links, devices and holes are kept. lost+found is left out. After an
/// error the stream has no end marker. `corrupt` for a damaged image. Blocks.
Result<> write_tar_from_ext4(const std::string& image_path, int tar_fd);

}  // namespace banger::ext4

// All of a kernel's modules as a file system that guests mount at /lib/modules/RELEASE: what is not needed before the
// root is mounted is loaded from there when it is asked for (bridges, nftables, FUSE, …).
#pragma once

#include <string>

#include "base/result.h"

namespace banger::image {

/// Writes the image `path` (read-only ext4, no journal) from the modules found under `tree`, with the indexes that
/// modprobe(8) reads, made by the host's depmod(8). `scratch` is a directory of the caller's for what lies in between.
/// False, and no image, when there are no modules, their release is not known, or the host has no depmod. Blocking.
Result<bool> make_modules_image(const std::string& tree, const std::string& release, const std::string& scratch,
                                const std::string& path);

}  // namespace banger::image

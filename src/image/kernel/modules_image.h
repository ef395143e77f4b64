// All of a kernel's modules as a file system, which guests mount at /lib/modules/RELEASE. A guest loads modules from it
// on demand once its root is mounted (bridges, nftables, FUSE, …).
#pragma once

#include <string>

#include "base/result.h"

namespace banger::image {

/// Writes the image `path` (read-only ext4, no journal) from the modules under `tree`, with the indexes of modprobe(8)
/// from the host's depmod(8). `scratch` is a directory for intermediate files; the caller owns it. Returns false and
/// makes no image in three cases: there are no modules, their release is unknown, or the host has no depmod. Blocking.
Result<bool> make_modules_image(const std::string& tree, const std::string& release, const std::string& scratch,
                                const std::string& path);

}  // namespace banger::image

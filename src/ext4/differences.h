// What one image has in place of another, as a layer of a container image. No mount, no root.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"

namespace banger::ext4 {

struct Differences {
  std::string base, image;  ///< paths of images that banger made
};

/// Writes a layer to `tar_fd`, as a pax stream: on top of `base`, it gives `image`. The same two images give the same
/// bytes.
///
/// - A file counts as changed when its content, owner, mode, time, attributes or other names have changed. Then all its
///   names are written, so that no hard link leads to a lower layer.
/// - A directory is written when something below it is, or when its owner, mode or attributes have changed. Its time
///   alone does not count, because a directory that no layer names has none.
/// - What is gone becomes a whiteout. lost+found is left out.
///
/// `corrupt` for a damaged image, `unsupported` for a changed file whose name would be a whiteout, `cancelled` once
/// `stop` is set. After an error the stream has no end marker. Blocks.
Result<> write_tar_of_differences(const Differences& between, int tar_fd, const std::atomic<bool>* stop = nullptr);

}  // namespace banger::ext4

// The tar stream that an image is made from. guest/image_rules.h decides what the image gets.
#pragma once

#include <optional>

#include "base/result.h"

namespace banger::roles::agent {

/// Packs the directory `system` and, in place of its /root, the directory `work`; both are borrowed. Mounts below them
/// are packed too, so a caller who does not want that opens clones of the mounts (open_tree(2)). Blocking.
Result<> pack_image(int system, std::optional<int> work, int tar_fd);

}  // namespace banger::roles::agent

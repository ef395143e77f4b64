// The tar stream that an image is made from. guest/image_rules.h decides what the image gets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::roles::agent {

/// Packs the directory `system` and, in place of its /root, the directory `work`; both are borrowed. Mounts below them
/// are packed too, so a caller who does not want that opens clones of the mounts (open_tree(2)). Blocking.
/// `left_out`: paths that the image does not get, nor what is below, such as "root/.gitconfig".
Result<> pack_image(int system, std::optional<int> work, int tar_fd, const std::vector<std::string>& left_out = {});

}  // namespace banger::roles::agent

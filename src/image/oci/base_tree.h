// The file system of a pulled image, for an image that was made from one of its VMs.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "ext4/from_layers.h"
#include "image/staged_directory.h"
#include "image/stoppable.h"

namespace banger::image::oci {

struct BaseTree {
  std::string rootfs;
  std::unique_ptr<StagedDirectory> made = {};  ///< of the layers, only to look into it; its destruction removes it
};

/// Makes the file system from the layers, in a directory that is no image of the store. Blocks, until `stop` is set.
/// Errors as those of write_ext4_from_layers.
Result<BaseTree> make_base_tree(const std::string& store_directory, std::span<const ext4::Layer> layers,
                                std::uint64_t max_unpacked_bytes, const StopFlag* stop);

}  // namespace banger::image::oci

// One layer of a container image, made from file systems.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "image/oci/manifest.h"
#include "image/stoppable.h"

namespace banger::image::oci {

struct LayerContent {
  std::string rootfs;            ///< of the image
  std::string base_rootfs = {};  ///< with it, the layer has only what the image has in place of it
};

struct LayerFile {
  UniqueFd fd;  ///< a file without a name, so nothing is left after a crash
  Descriptor descriptor;
  Digest diff_id;
};

/// Compresses with gzip, which every tool reads. The same content gives the same bytes. `packed` has the bytes packed
/// so far. Errors of check_room() too. Blocks, until `stop` is set.
Result<LayerFile> make_layer(const LayerContent& content, const std::string& directory,
                             std::atomic<std::uint64_t>& packed, const StopFlag* stop);

}  // namespace banger::image::oci

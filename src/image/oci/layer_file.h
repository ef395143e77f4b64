// One layer with everything that an image has, made from its file system.
#pragma once

#include <functional>
#include <string>

#include "base/unique_fd.h"
#include "image/oci/manifest.h"

namespace banger::image::oci {

struct LayerFile {
  UniqueFd fd;  ///< a file without a name, so nothing is left after a crash
  Descriptor descriptor;
  Digest diff_id;
};

/// Compresses with gzip, which every tool reads. The same image gives the same bytes. `progress` gets the bytes packed
/// so far; its error ends the work. Blocks.
Result<LayerFile> make_layer(const std::string& rootfs, const std::string& directory,
                             const std::function<Result<>(std::uint64_t bytes)>& progress);

}  // namespace banger::image::oci

// The layers under an image that was made from a VM of a pulled image: a push uses them again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/kernel/store.h"
#include "image/oci/base_tree.h"
#include "image/oci/blob_cache.h"
#include "image/oci/registry.h"
#include "image/store.h"

namespace banger::image::oci {

struct PushBase {
  std::vector<Descriptor> layers;
  std::vector<std::optional<UniqueFd>> files = {};  ///< nothing for a layer that only the registry has
  std::vector<Digest> diff_ids = {};
  std::string config = {};  ///< as its registry gave it
  BaseTree tree = {};       ///< to compare with
};

/// Borrowed.
struct PushBaseParts {
  host::Runtime& runtime;
  const ImageStore& images;
  const BlobCache& cache;
  Registry& registry;  ///< to push to
  std::uint64_t max_unpacked_bytes;
};

/// REQUIRES: the image has a base. After any other error than `cancelled`, the image can still become one layer.
/// `not_found`: a layer of the base is neither in the cache nor in the registry. `unsupported`: there are too many
/// layers. Takes the base's file system from the store, or makes it from the layers.
Task<Result<PushBase>> find_push_base(PushBaseParts parts, Image image, StageProgress progress, host::Cancel& cancel);

}  // namespace banger::image::oci

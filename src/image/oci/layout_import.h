// From an archive of an OCI layout to an image in the store, with its layers in the cache.
#pragma once

#include <string>

#include "image/oci/blob_cache.h"
#include "image/store.h"

namespace banger::image::oci {

/// Borrowed, and must outlive the work.
struct LayoutParts {
  host::Runtime& runtime;
  ImageStore& images;
  const BlobCache& cache;
  std::uint64_t max_unpacked_bytes = 0;
};

/// The archive at `path` is hostile. A layer that it lacks is one of another image here, with the same content: the new
/// image then has that image's layer. `invalid` when no image has it. `image` has the name, the source and the kernel.
Task<Result<Image>> add_layout(LayoutParts parts, Image image, std::string path, StageProgress progress,
                               host::Cancel& cancel);

}  // namespace banger::image::oci

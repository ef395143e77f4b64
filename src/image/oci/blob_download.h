// Brings one blob into the cache: once for all pulls that want it, continued where the last download ended, checked
// while it streams. Blobs are the layers of images in registries, and bundles.
#pragma once

#include <functional>

#include "http/client.h"
#include "image/oci/blob_cache.h"
#include "image/oci/keyed_locks.h"
#include "image/oci/manifest.h"

namespace banger::image::oci {

/// What downloads share. Borrowed.
struct BlobParts {
  host::Runtime& runtime;
  const BlobCache& cache;
  KeyedLocks& locks;  ///< by digest: who comes second waits, and then finds the blob
};

/// Where the bytes of a blob come from.
struct BlobOrigin {
  std::string what;       ///< "layer", for errors
  std::string publisher;  ///< whom to ask about other content than the digest says: "who runs the registry"
  /// Streams the blob into the receiver of `download`, from its offset. The caller checks the digest.
  std::function<Task<Result<>>(Descriptor, http::Download download, host::Cancel& cancel)> download;
};

/// Called with the bytes that are there so far, also with those from an earlier download.
using BlobProgress = std::function<void(std::uint64_t)>;

/// The blob, open at its start. `corrupt` when its origin sends something else; what has the size of the blob, but not
/// its digest, is removed. `exhausted` when the disk is full, and then the partial file is removed. After other errors
/// the next download goes on with it.
Task<Result<UniqueFd>> fetch_blob(BlobParts parts, const BlobOrigin& origin, Descriptor descriptor,
                                  BlobProgress progress, host::Cancel& cancel);

}  // namespace banger::image::oci

// Brings one blob into the cache: once for all pulls that want it, continued where the last download ended, checked
// while it streams.
#pragma once

#include <functional>

#include "image/oci/blob_cache.h"
#include "image/oci/keyed_locks.h"
#include "image/oci/registry.h"

namespace banger::image::oci {

/// What downloads share. Borrowed.
struct BlobParts {
  host::Runtime& runtime;
  const BlobCache& cache;
  KeyedLocks& locks;  ///< by digest: who comes second waits, and then finds the blob
};

/// Called with the bytes that are there so far, also with those from an earlier download.
using BlobProgress = std::function<void(std::uint64_t)>;

/// The blob, open at its start. `corrupt` when the registry sends something else, of which nothing is kept. `exhausted`
/// when the disk is full, and then the partial file is removed. After other errors the next download goes on with it.
Task<Result<UniqueFd>> fetch_blob(BlobParts parts, Registry& registry, Descriptor descriptor, BlobProgress progress,
                                  host::Cancel& cancel);

}  // namespace banger::image::oci

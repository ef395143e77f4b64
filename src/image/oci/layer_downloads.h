// Brings all layers of one image into the cache, several at once, and reports how far they are.
#pragma once

#include <optional>
#include <vector>

#include "image/kernel/store.h"
#include "image/oci/blob_download.h"
#include "image/oci/registry.h"

namespace banger::image::oci {

/// How far one layer is.
struct LayerProgress {
  Digest digest;
  std::uint64_t size_bytes = 0, done_bytes = 0;
  bool running = false;
  std::optional<host::Deadline> heard = {};  ///< when bytes came last, once the download has begun
};

/// "2 of 5 layers, 12M of 30M (0123456789ab 40%)": all layers, and those that are on their way. After some silence of
/// the registry, also how long it lasts, and how long banger waits. Pure.
std::string progress_text(const std::vector<LayerProgress>& layers, host::Deadline now);
/// 0 to 100. Pure.
int progress_percent(const std::vector<LayerProgress>& layers);

/// The layers, open at their starts, in the order of `layers`. The first failure ends the other downloads, which keep
/// what they have.
Task<Result<std::vector<UniqueFd>>> fetch_layers(BlobParts parts, Registry& registry, std::vector<Descriptor> layers,
                                                 StageProgress progress, host::Cancel& caller);

}  // namespace banger::image::oci

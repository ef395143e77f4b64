// Fuzzes indexes, manifests and configs of images: any bytes are refused, or give documents within their limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/oci/bounds.h"
#include "image/oci/config.h"
#include "image/oci/manifest.h"

using namespace banger;
using namespace image::oci;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = parse_image_config(text, 1);
  if (config && config->diff_ids.size() != 1) std::abort();
  auto document = parse_document(text, "");
  if (!document) return 0;
  if (auto* index = std::get_if<Index>(&*document)) {
    if (index->entries.size() > limits::kIndexEntries) std::abort();
    (void)choose_platform(*index);
    return 0;
  }
  std::uint64_t total = 0;
  for (const auto& layer : std::get<Manifest>(*document).layers) total += layer.size;
  if (total > limits::kAllLayersBytes) std::abort();
  return 0;
}

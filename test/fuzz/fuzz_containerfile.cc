// Fuzzes what a build reads on this host: the ignore file with a path, and the names of base images.
#include <algorithm>
#include <string>
#include <string_view>

#include "image/containerfile/base_images.h"
#include "image/containerfile/bounds.h"
#include "image/containerfile/ignore.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger::image;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto end = text.find('\0');
  if (auto rules = IgnoreRules::parse(text.substr(0, end)); rules && end != text.npos)
    (void)rules->ignores(text.substr(end + 1));
  auto images = base_images(text, {{"A", "x"}}, "");
  if (!images) return 0;
  std::size_t at = 0;
  for (const auto& image : *images) {
    if (image.at < at || image.at + image.size > text.size()) ::abort();
    if (image.name.size() > std::max(banger::limits::kArgumentBytes, image.size)) ::abort();
    at = image.at + image.size;
  }
  if (with_names(text, *images, {}) != text) ::abort();
  return 0;
}

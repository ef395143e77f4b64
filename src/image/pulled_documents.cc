#include "image/pulled_documents.h"

#include <fmt/format.h>

#include "host/files.h"
#include "image/oci/bounds.h"

namespace banger::image {

namespace {
constexpr std::string_view kManifest = "oci-manifest.json", kConfig = "oci-config.json";
}

Result<> write_documents(const std::string& directory, const Documents& documents) {
  TRY(host::write_file(fmt::format("{}/{}", directory, kManifest), documents.manifest, 0644));
  return host::write_file(fmt::format("{}/{}", directory, kConfig), documents.config, 0644);
}

Result<Documents> read_documents(const Image& image) {
  auto read = [&](std::string_view name) {
    return host::read_file(fmt::format("{}/{}", image.directory(), name), limits::kOciManifestBytes);
  };
  return Documents{.manifest = TRY(read(kManifest)), .config = TRY(read(kConfig))};
}

Base base_of(const Image& image) {
  if (image.pulled.manifest.empty()) return image.base;
  return {.source = image.source, .manifest = image.pulled.manifest, .layers = image.pulled.layers};
}

}  // namespace banger::image

#include "image/oci/media_types.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace banger::image::oci {

namespace {

struct DocumentType {
  std::string_view media_type;
  DocumentKind kind;
};
constexpr DocumentType kDocuments[] = {
    {"application/vnd.oci.image.index.v1+json", DocumentKind::index},
    {"application/vnd.docker.distribution.manifest.list.v2+json", DocumentKind::index},
    {"application/vnd.oci.image.manifest.v1+json", DocumentKind::manifest},
    {"application/vnd.docker.distribution.manifest.v2+json", DocumentKind::manifest},
    {"application/vnd.docker.distribution.manifest.v1+json", DocumentKind::schema1},
    {"application/vnd.docker.distribution.manifest.v1+prettyjws", DocumentKind::schema1},
};

// How a layer is compressed is found from its first bytes, because registries have layers with a wrong type.
struct LayerType {
  std::string_view oci, docker;
};
constexpr LayerType kLayers[] = {
    {"application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"},
    {kGzipLayer, "application/vnd.docker.image.rootfs.diff.tar.gzip"},
    {"application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar.zstd"},
};

constexpr std::string_view kConfigs[] = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

DocumentKind document_kind(std::string_view media_type) {
  auto type = trim(media_type.substr(0, media_type.find(';')));
  for (const auto& known : kDocuments)
    if (known.media_type == type) return known.kind;
  return DocumentKind::unknown;
}

Result<> check_layer_type(std::string_view media_type) {
  for (const auto& known : kLayers)
    if (media_type == known.oci || media_type == known.docker) return {};
  auto shown = printable(media_type, 120);
  if (contains(media_type, ".foreign.") || contains(media_type, ".nondistributable."))
    return fail(ErrorCode::unsupported,
                fmt::format("a layer is foreign ({}): its content is not in the registry", shown),
                "images of Windows have such layers; banger boots images of Linux");
  if (media_type.ends_with("+encrypted"))
    return fail(ErrorCode::unsupported, fmt::format("a layer is encrypted ({})", shown),
                "decrypt the image and push it again");
  return fail(ErrorCode::unsupported, fmt::format("banger cannot read layers of the type '{}'", shown),
              "layers are tar archives, plain or compressed with gzip or zstd");
}

std::string oci_layer_type(std::string_view media_type) {
  for (const auto& known : kLayers)
    if (media_type == known.docker) return std::string(known.oci);
  return std::string(media_type);
}

Result<> check_config_type(std::string_view media_type) {
  if (std::ranges::find(kConfigs, media_type) != std::end(kConfigs)) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("it is not an image of a root file system, but of the type '{}'", printable(media_type, 120)),
              "charts, signatures and other artifacts cannot be booted");
}

std::string accepted_types() {
  std::string types;
  for (const auto& known : kDocuments)
    if (known.kind != DocumentKind::schema1) types += fmt::format("{}{}", types.empty() ? "" : ", ", known.media_type);
  return types;
}

}  // namespace banger::image::oci

// The documents of an image that banger pushes. Pure. Source: config.md and manifest.md of the OCI image specification.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/oci/manifest.h"
#include "image/store.h"

namespace banger::image::oci {

inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";

/// The configuration of an image whose layers unpack to these digests. All but the last layer belong to its base, whose
/// configuration is `base_config`. The same image gives the same text.
std::string write_config(const Image& image, const std::vector<Digest>& diff_ids, std::string_view base_config = {});
/// The layers have media types.
std::string write_manifest(const Descriptor& config, const std::vector<Descriptor>& layers);
/// The manifest with another layer in some places. `layers` has one member for each layer of the manifest.
/// REQUIRES: the manifest has been parsed.
Result<std::string> replace_layers(std::string_view manifest, const std::vector<std::optional<Descriptor>>& layers);
/// The layers of a manifest. `invalid` for an index.
Result<std::vector<Descriptor>> manifest_layers(std::string_view manifest);
/// The media type of a manifest that a registry gave.
std::string manifest_type(std::string_view json);

}  // namespace banger::image::oci

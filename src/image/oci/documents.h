// The documents of an image that banger pushes. Pure. Source: config.md and manifest.md of the OCI image specification.
#pragma once

#include <string>

#include "image/oci/manifest.h"
#include "image/store.h"

namespace banger::image::oci {

inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";

/// The configuration of an image with one layer. The same image gives the same text.
std::string write_config(const Image& image, const Digest& diff_id);
/// The manifest of an image with one layer that is compressed with gzip.
std::string write_manifest(const Descriptor& config, const Descriptor& layer);
/// The media type of a manifest that a registry gave.
std::string manifest_type(std::string_view json);

}  // namespace banger::image::oci

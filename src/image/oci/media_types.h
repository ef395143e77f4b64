// What each media type of documents and layers means to banger. Pure.
// Sources: media-types.md of the OCI image specification 1.1, Docker's manifest schema 2.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image::oci {

enum class DocumentKind { index, manifest, schema1, unknown };
DocumentKind document_kind(std::string_view media_type);

/// `unsupported` for layers that registries do not have (foreign), that are encrypted, or of an unknown kind.
Result<> check_layer_type(std::string_view media_type);

inline constexpr std::string_view kGzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
/// OCI's type of a layer for Docker's one, which means the same bytes. Other types as they are.
std::string oci_layer_type(std::string_view media_type);

/// `unsupported` when the manifest is of something else than an image: a chart, a signature, a model.
Result<> check_config_type(std::string_view media_type);

/// All types of documents that banger reads, for the header Accept.
std::string accepted_types();

}  // namespace banger::image::oci

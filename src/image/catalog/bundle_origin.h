// Where the bytes of a bundle come from, for a download into the cache (image/oci/blob_download.h).
#pragma once

#include "image/catalog/location.h"
#include "image/oci/blob_download.h"
#include "image/oci/transport.h"

namespace banger::image::catalog {

/// A server or a file of this host. A file is copied too: what was checked is what is imported. `within` limits where
/// the server may be. `runtime` and `transport` are borrowed.
oci::BlobOrigin bundle_at(host::Runtime& runtime, oci::Transport& transport, Location place, http::Within within);

/// "12M of 30M".
std::string progress_text(std::uint64_t done_bytes, std::uint64_t size_bytes);

}  // namespace banger::image::catalog

// Image indexes and manifests: OCI's and Docker's schema 2. Pure. Digests of the documents are the caller's matter.
// Sources: OCI image specification 1.1 (image-index.md, manifest.md), Docker's manifest schema 2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "image/oci/digest.h"

namespace banger::image::oci {

/// A blob that a document names.
struct Descriptor {
  Digest digest;
  std::uint64_t size = 0;       ///< bytes
  std::string media_type = {};  ///< of a layer, as the manifest has it
};

struct IndexEntry {
  Descriptor descriptor;
  std::string os, architecture, variant;  ///< empty: the index does not have it
};
struct Index {
  std::vector<IndexEntry> entries;
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  ///< the lowest layer first; at least one
};

using Document = std::variant<Index, Manifest>;

/// `content_type` is the response's, for documents that do not name their own type. `invalid` for a document that
/// breaks the rules or a limit. `unsupported` for schema 1, foreign layers and what is not an image.
Result<Document> parse_document(std::string_view json, std::string_view content_type);

/// The entry for linux/amd64. `unsupported` when there is none; the hint lists the platforms that there are.
Result<Descriptor> choose_platform(const Index& index);

}  // namespace banger::image::oci

// An image as an OCI layout in one tar stream: what 'buildah push oci:' and 'skopeo copy … oci-archive:' write.
// Source: image-layout.md of the OCI image specification 1.1.
#pragma once

#include <map>
#include <string>

#include "base/unique_fd.h"
#include "image/oci/config.h"
#include "image/oci/manifest.h"
#include "image/stoppable.h"

namespace banger::image::oci {

struct LayoutBlob {
  UniqueFd fd;  ///< a file without a name, at its start
  std::uint64_t size_bytes = 0;
};

struct Layout {
  std::string manifest_text, config_text;
  Manifest manifest;
  ImageConfig config;
  std::map<Digest, LayoutBlob> blobs;  ///< every blob has its digest; those of the manifest's layers may be missing
};

/// Reads `fd` to its end. Blobs become files without names in the existing `directory`. Hostile input: members with
/// other names than a layout has, and links, are `invalid`. `corrupt` for a blob with another digest, and for a layer
/// with another size than the manifest gives. `exhausted` for more than `max_bytes`. Errors of check_room() too.
/// `cancelled` once `stop` is set. Blocks.
Result<Layout> read_layout(int fd, const std::string& directory, std::uint64_t max_bytes,
                           const StopFlag* stop = nullptr);

}  // namespace banger::image::oci

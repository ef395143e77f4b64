// The configuration of an OCI image: its platform, what its layers unpack to, and how its programs want to run. Pure.
// Source: config.md of the OCI image specification 1.1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/oci/digest.h"
#include "image/run_config.h"

namespace banger::image::oci {

struct ImageConfig {
  std::vector<Digest> diff_ids;  ///< of the decompressed layers, the lowest layer first
  RunConfig run;
};

/// `unsupported` when the image is not for linux/amd64. `invalid` when it is malformed, or does not describe
/// `layers` layers.
Result<ImageConfig> parse_image_config(std::string_view json, std::size_t layers);

}  // namespace banger::image::oci

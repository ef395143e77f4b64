// The images that a Containerfile builds on. Reads no more of it than that: buildah, in the guest, is its interpreter.
// Pure. Source: the Dockerfile reference of Docker's documentation.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::image {

/// A place where an image is named: FROM, `COPY --from=` or `RUN --mount=from=`.
struct BaseImage {
  std::string name;              ///< with the values of its ARGs
  std::size_t at = 0, size = 0;  ///< of the name as it is written

  bool operator==(const BaseImage&) const = default;
};

using BuildArguments = std::map<std::string, std::string>;

/// The images that the stages up to `target` name, without `scratch`, other stages, and names whose ARGs have no value.
/// An image of another platform than linux/amd64 is left out too. An empty `target` means the last stage. `invalid` for
/// a FROM without a name, `not_found` when no stage has that name. `exhausted` for more images, ARGs or bytes of a
/// value than the limits allow.
Result<std::vector<BaseImage>> base_images(std::string_view containerfile, const BuildArguments& arguments,
                                           std::string_view target);

/// The Containerfile with other names at these places.
std::string with_names(std::string_view containerfile, const std::vector<BaseImage>& places,
                       const std::map<std::string, std::string>& names);

}  // namespace banger::image

// The registry's documents of a pulled image. They are in its directory, and in those of images that were made from its
// VMs.
#pragma once

#include <string>

#include "image/store.h"

namespace banger::image {

/// `directory` is that of an image.
Result<> write_documents(const std::string& directory, const Documents& documents);
/// REQUIRES: the image was pulled, or has a base.
Result<Documents> read_documents(const Image& image);
/// The base of an image that is made from a VM of `image`.
Base base_of(const Image& image);

}  // namespace banger::image

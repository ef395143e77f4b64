// manifest.json of an image. ImageStore writes and reads it. Not for other folders.
#pragma once

#include "image/store.h"

namespace banger::image {

Result<> write_image_manifest(const std::string& directory, const Image& image);
/// `directory` ends with the image's id. `corrupt` when the manifest is damaged or a file is missing.
Result<Image> read_image(const std::string& directory);

/// Takes the names of `keeper` from every other image in the store.
Result<> move_names(const std::string& store_directory, const Image& keeper);

}  // namespace banger::image

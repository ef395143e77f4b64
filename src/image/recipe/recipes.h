// The compiled-in recipes.
#pragma once

#include <span>
#include <vector>

#include "base/embedded.h"
#include "image/store.h"

namespace banger::image {

/// The files that images are made from: the folders of images/, and the files of guest/ that recipes name.
extern const std::span<const EmbeddedFile> kRecipeFiles;

/// By name.
std::vector<Recipe> all_recipes();

}  // namespace banger::image

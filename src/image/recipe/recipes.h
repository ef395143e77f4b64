// The recipes compiled in: image_recipes.cc is made from images/*/recipe.json by scripts/embed-recipes.
#pragma once

#include <span>

#include "image/store.h"

namespace banger::image {

extern const std::span<const Recipe> kRecipes;

}  // namespace banger::image

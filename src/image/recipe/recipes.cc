#include "image/recipe/recipes.h"

#include "image/embedded_files.h"
#include "image/recipe/recipe.h"

namespace banger::image {

constinit const std::span<const EmbeddedFile> kRecipeFiles(kEmbeddedFiles);

std::vector<Recipe> all_recipes() {
  constexpr std::string_view kBefore = "images/", kAfter = "/recipe.json";
  std::vector<Recipe> recipes;
  for (const auto& [path, text] : kRecipeFiles) {
    if (!path.starts_with(kBefore) || !path.ends_with(kAfter)) continue;
    auto name = path.substr(kBefore.size(), path.size() - kBefore.size() - kAfter.size());
    if (auto plan = parse_recipe(kRecipeFiles, name))
      recipes.push_back({std::string(name), std::move(plan->description), std::move(plan->kernel)});
  }
  return recipes;
}

}  // namespace banger::image

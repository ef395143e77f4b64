// ImageStore: lists, finds and removes images. recipe/build.cc adds them.
#include "image/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "image/manifest.h"
#include "image/recipe/build_directory.h"
#include "image/recipe/recipes.h"
#include "image/staged_directory.h"

namespace banger::image {

ImageStore::ImageStore(host::Runtime& runtime, std::string directory, std::string cache_directory,
                       std::string path_variable)
    : runtime_(runtime),
      directory_(std::move(directory)),
      cache_directory_(std::move(cache_directory)),
      path_variable_(std::move(path_variable)) {}

Result<std::vector<Image>> ImageStore::list() const {
  std::vector<Image> images;
  for (const auto& id : store_entries(directory_))
    if (auto image = read_image(directory_ + "/" + id)) images.push_back(std::move(*image));
  auto order = [](const Image& a, const Image& b) {
    return std::tuple(a.name.empty(), a.name, -a.created_at, a.id) <
           std::tuple(b.name.empty(), b.name, -b.created_at, b.id);
  };
  std::sort(images.begin(), images.end(), order);
  // After a crash between making a new image and unnaming the old one, two images have the name. The newer image
  // counts.
  std::set<std::string> seen;
  for (auto& image : images)
    if (!image.name.empty() && !seen.insert(image.name).second) image.name.clear();
  std::sort(images.begin(), images.end(), order);
  return images;
}

Result<Image> ImageStore::get(std::string_view name) const {
  auto images = TRY(list());
  std::vector<const Image*> by_prefix;
  for (const auto& image : images) {
    if (image.name == name || image.id == name) return image;
    if (!name.empty() && image.id.starts_with(name)) by_prefix.push_back(&image);
  }
  if (by_prefix.size() == 1) return *by_prefix[0];
  if (by_prefix.size() > 1)
    return fail(ErrorCode::invalid, fmt::format("'{}' is the beginning of {} image ids", name, by_prefix.size()),
                fmt::format("for example {} and {}", by_prefix[0]->id, by_prefix[1]->id));
  auto entries = store_entries(directory_);
  if (std::find(entries.begin(), entries.end(), name) != entries.end()) {
    auto error = std::move(read_image(directory_ + "/" + std::string(name)).error())
                     .in(fmt::format("image '{}' is damaged", name));
    return std::unexpected(
        std::move(error).with_hint(fmt::format("delete it with 'banger image delete {}' and build it again", name)));
  }
  std::vector<std::string> known, buildable;
  for (const auto& image : images) known.push_back(image.name);
  for (const auto& recipe : recipes()) {
    buildable.push_back(recipe.name);
    if (recipe.name == name)
      return fail(ErrorCode::not_found, fmt::format("image '{}' is not built yet", name),
                  fmt::format("banger image build {}", name));
  }
  known.insert(known.end(), buildable.begin(), buildable.end());
  auto hint = did_you_mean(name, known);
  return fail(ErrorCode::not_found, fmt::format("no image '{}'", printable(name, 80)),
              fmt::format("{}{}can be built: {}", hint, hint.empty() ? "" : "; ", join(buildable, ", ")));
}

std::vector<Recipe> ImageStore::recipes() const { return all_recipes(); }

Result<> ImageStore::remove(std::string_view id) {
  TRY(check_store_name("image", id));
  auto entries = store_entries(directory_);
  if (std::find(entries.begin(), entries.end(), id) == entries.end())
    return fail(ErrorCode::not_found, fmt::format("no image with id '{}'", id), did_you_mean(id, entries));
  return remove_entry(directory_, id);
}

std::vector<std::string> ImageStore::leftovers() const { return staged_leftovers(directory_); }

std::vector<std::string> ImageStore::abandoned_builds() { return BuildDirectory::abandoned(); }

Task<Result<>> ImageStore::remove_abandoned_build(std::string path) {
  return BuildDirectory::remove(runtime_, path_variable_, std::move(path));
}

}  // namespace banger::image

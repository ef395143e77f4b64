// ImageStore: lists, finds and removes images. recipe/build.cc adds them.
#include "image/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "image/manifest.h"
#include "image/names.h"
#include "image/recipe/build_directory.h"
#include "image/recipe/recipes.h"
#include "image/staged_directory.h"

namespace banger::image {

ImageStore::ImageStore(host::Runtime& runtime, std::string directory, std::string cache_directory,
                       std::string path_variable, std::string default_registry)
    : runtime_(runtime),
      directory_(std::move(directory)),
      cache_directory_(std::move(cache_directory)),
      path_variable_(std::move(path_variable)),
      default_registry_(std::move(default_registry)) {}

Result<std::vector<Image>> ImageStore::list() const {
  std::vector<Image> images;
  for (const auto& id : store_entries(directory_))
    if (auto image = read_image(directory_ + "/" + id)) images.push_back(std::move(*image));
  auto order = [](const Image& a, const Image& b) {
    return std::tuple(a.name.empty(), a.name, -a.created_at, a.id) <
           std::tuple(b.name.empty(), b.name, -b.created_at, b.id);
  };
  // After a crash between making a new image and unnaming the old one, two images have the name. The newer image
  // counts.
  std::ranges::sort(images, {}, [](const Image& image) { return std::tuple(-image.created_at, image.id); });
  keep_newest_names(images);
  std::sort(images.begin(), images.end(), order);
  return images;
}

Result<Image> ImageStore::get(std::string_view name) const {
  auto images = TRY(list());
  std::vector<const Image*> by_prefix;
  for (const auto& image : images) {
    if (has_name(image, name) || image.id == name) return image;
    if (!name.empty() && image.id.starts_with(name)) by_prefix.push_back(&image);
  }
  for (const auto& image : images)
    if (name_meant(image, name)) return image;
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
  for (const auto& image : images)
    for (auto& known_name : names_of(image)) known.push_back(std::move(known_name));
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

std::optional<std::string> ImageStore::name_meant(const Image& image, std::string_view text) const {
  return image::name_meant(image, text, default_registry_);
}

Result<Image> ImageStore::tag(std::string_view source, std::string_view new_name) {
  auto image = TRY(get(source));
  auto name = TRY(full_name(new_name, default_registry_));
  for (const auto& other : TRY(list())) {
    if (other.id == name)
      return fail(ErrorCode::exists, fmt::format("'{}' is the id of an image", name), "choose another name");
    if (other.id != image.id && names_of(other) == std::vector{name})
      return fail(
          ErrorCode::exists, fmt::format("'{}' is the only name of another image", name),
          fmt::format("'banger image tag {0} NAME' gives it a second name, 'banger image delete {0}' deletes it",
                      other.id));
  }
  add_name(image, std::move(name));
  return update(image);
}

Result<Image> ImageStore::update(const Image& image) {
  TRY(write_image_manifest(directory_ + "/" + image.id, image));
  TRY(move_names(directory_, image));
  return get(image.id);
}

Result<Image> ImageStore::remove_name(const Image& image, std::string_view name) {
  auto changed = image;
  drop_name(changed, name);
  TRY(write_image_manifest(directory_ + "/" + image.id, changed));
  return changed;
}

std::vector<Recipe> ImageStore::recipes() const { return all_recipes(); }

Task<Result<>> ImageStore::remove(std::string id) {
  CO_TRY(check_store_name("image", id));
  auto entries = store_entries(directory_);
  if (std::find(entries.begin(), entries.end(), id) == entries.end())
    co_return fail(ErrorCode::not_found, fmt::format("no image with id '{}'", id), did_you_mean(id, entries));
  auto taken = CO_TRY(take_out(directory_, id));
  co_return co_await runtime_.blocking([&] { return image::remove(std::move(taken)); });
}

Result<> ImageStore::check_free(std::string_view name) const {
  for (const auto& existing : TRY(list()))
    if (has_name(existing, name))
      return fail(ErrorCode::exists, fmt::format("the image '{}' exists already", name),
                  "delete it first, or choose another name");
  return {};
}

Task<Result<Image>> ImageStore::publish(StagedDirectory staged, Image image, NameTaken taken) {
  CO_TRY(co_await runtime_.blocking([&] { return staged.sync(); }));
  // Another import may have been faster. From here on, no other coroutine runs.
  if (taken == NameTaken::refuse) CO_TRY(check_free(image.name));
  CO_TRY(std::move(staged).appear(directory_ + "/" + image.id));
  CO_TRY(move_names(directory_, image));
  co_return get(image.id);
}

std::vector<std::string> ImageStore::leftovers() const { return staged_leftovers(directory_); }

std::vector<std::string> ImageStore::abandoned_builds() { return BuildDirectory::abandoned(); }

Task<Result<>> ImageStore::remove_abandoned_build(std::string path) {
  return BuildDirectory::remove(runtime_, path_variable_, std::move(path));
}

}  // namespace banger::image

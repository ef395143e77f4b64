#include "image/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "image/oci/reference.h"
#include "image/staged_directory.h"
#include "image/store.h"

namespace banger::image {

namespace {
bool is_reference(std::string_view text) { return text.find_first_of("/:@") != text.npos; }
}  // namespace

std::vector<std::string> names_of(const Image& image) {
  std::vector<std::string> names;
  if (!image.name.empty()) names.push_back(image.name);
  names.insert(names.end(), image.other_names.begin(), image.other_names.end());
  return names;
}

bool has_name(const Image& image, std::string_view name) {
  return !name.empty() && (image.name == name || std::ranges::find(image.other_names, name) != image.other_names.end());
}

void add_name(Image& image, std::string name) {
  if (has_name(image, name)) return;
  if (image.name.empty())
    image.name = std::move(name);
  else
    image.other_names.push_back(std::move(name));
}

void drop_name(Image& image, std::string_view name) {
  std::erase(image.other_names, name);
  if (image.name != name) return;
  image.name.clear();
  if (image.other_names.empty()) return;
  image.name = image.other_names.front();
  image.other_names.erase(image.other_names.begin());
}

Result<std::string> full_name(std::string_view text, std::string_view default_registry) {
  if (!is_reference(text)) {
    TRY(check_store_name("image", text));
    return std::string(text);
  }
  auto reference = TRY(oci::parse_reference(text, default_registry));
  if (reference.digest)
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot be a new name", printable(text, 120)),
                "a name has no digest; use a name such as host/app:tag");
  return reference.canonical();
}

std::optional<std::string> name_meant(const Image& image, std::string_view text, std::string_view default_registry) {
  if (has_name(image, text)) return std::string(text);
  auto reference = oci::parse_reference(text, default_registry);
  if (!reference || !has_name(image, reference->canonical())) return std::nullopt;
  return reference->canonical();
}

Result<> check_image_name(std::string_view name) {
  if (!is_reference(name)) return check_store_name("image", name);
  auto reference = TRY(oci::parse_reference(name));
  if (reference.canonical() == name) return {};
  return fail(ErrorCode::invalid, fmt::format("'{}' is not the full name of an image", printable(name, 120)));
}

void keep_newest_names(std::vector<Image>& images) {
  std::set<std::string> seen;
  for (auto& image : images)
    for (const auto& name : names_of(image))
      if (!seen.insert(name).second) drop_name(image, name);
}

}  // namespace banger::image

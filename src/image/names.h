// The names of images. An image has a plain name, or the full reference of what was pulled, or several of both. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::image {

struct Image;

/// All names, the first one is Image::name.
std::vector<std::string> names_of(const Image& image);
bool has_name(const Image& image, std::string_view name);
/// Adds the name behind the others, unless it is there.
void add_name(Image& image, std::string name);
/// Takes the name away. The next name becomes Image::name.
void drop_name(Image& image, std::string_view name);

/// The name that a user means: a plain name as it is, and a reference in full. `invalid` for what is neither, and for a
/// reference with a digest, which names one content for ever.
Result<std::string> full_name(std::string_view text, std::string_view default_registry);

/// The name of `image` that `text` means: the same text, or a reference whose full form is a name of the image.
std::optional<std::string> name_meant(const Image& image, std::string_view text, std::string_view default_registry);

/// For names in a manifest: a plain name, or a reference in its full form.
Result<> check_image_name(std::string_view name);

/// Takes from older images every name that a newer image has. Expects the newest image first.
void keep_newest_names(std::vector<Image>& images);

}  // namespace banger::image

// Where a catalog or a bundle is: a file of this host, or a URL. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "http/url.h"

namespace banger::image::catalog {

struct File {
  std::string path;  ///< absolute
  bool operator==(const File&) const = default;
};
using Location = std::variant<File, http::Url>;

/// A URL or an absolute path. `~/` is `home`. `invalid` for other texts, `unsupported` for other schemes.
Result<Location> parse_location(std::string_view text, const std::string& home);

/// What a catalog at `base` means with `text`. A catalog without a place of its own, the compiled-in one, names
/// absolute places only. A catalog behind a URL never names files of this host: its paths belong to its server.
Result<Location> resolve(const std::optional<Location>& base, std::string_view text);

/// The place of the signature of a catalog: ".sig" behind the path.
Location signature_of(const Location& catalog);

std::string to_string(const Location& location);

}  // namespace banger::image::catalog

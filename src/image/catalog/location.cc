#include "image/catalog/location.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace banger::image::catalog {

namespace {

bool has_scheme(std::string_view text) { return text.find("://") != text.npos; }

Result<Location> file_at(std::string path) {
  if (path.find('\0') != path.npos) return fail(ErrorCode::invalid, "a path has no zero bytes");
  return Location(File{std::move(path)});
}

}  // namespace

Result<Location> parse_location(std::string_view text, const std::string& home) {
  if (has_scheme(text)) return Location(TRY(http::parse_url(text)));
  if (text.starts_with("~/")) return file_at(home + std::string(text.substr(1)));
  if (text.starts_with('/')) return file_at(std::string(text));
  return fail(ErrorCode::invalid, fmt::format("'{}' is neither a URL nor a whole path", printable(text, 80)),
              "write https://…, /… or ~/…");
}

Result<Location> resolve(const std::optional<Location>& base, std::string_view text) {
  if (const auto* url = base ? std::get_if<http::Url>(&*base) : nullptr)
    return Location(TRY(http::resolve(*url, text)));
  if (has_scheme(text)) return Location(TRY(http::parse_url(text)));
  if (text.starts_with('/')) return file_at(std::string(text));
  if (!base) return fail(ErrorCode::invalid, fmt::format("'{}' is relative to nothing", printable(text, 80)));
  const auto& path = std::get<File>(*base).path;
  return file_at(path.substr(0, path.rfind('/') + 1) + std::string(text));
}

Location signature_of(const Location& catalog) {
  auto signature = catalog;
  if (auto* url = std::get_if<http::Url>(&signature)) {
    auto end = std::min(url->target.find('?'), url->target.size());
    url->target.insert(end, ".sig");
  } else {
    std::get<File>(signature).path += ".sig";
  }
  return signature;
}

std::string to_string(const Location& location) {
  if (const auto* url = std::get_if<http::Url>(&location)) return http::to_string(*url);
  return std::get<File>(location).path;
}

}  // namespace banger::image::catalog

#include "tar/whiteout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "tar/path.h"

namespace banger::tar {

namespace {

constexpr std::string_view kPrefix = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kMetadata = ".wh..wh.";  // e.g. .wh..wh.plnk, a directory of AUFS

}  // namespace

Result<std::optional<Whiteout>> whiteout_of(std::string_view path) {
  auto parts = TRY(split_member(path, AbsoluteNames::make_relative));
  if (parts.empty()) return std::nullopt;
  std::string_view last = parts.back();
  std::string_view directory = path.substr(0, static_cast<std::size_t>(last.data() - path.data()));
  if (last == kOpaque) return Whiteout{Whiteout::Kind::opaque, directory, {}};
  if (std::ranges::any_of(parts, [](std::string_view part) { return part.starts_with(kMetadata); }))
    return Whiteout{Whiteout::Kind::metadata, directory, {}};
  if (!last.starts_with(kPrefix)) return std::nullopt;
  std::string_view name = last.substr(kPrefix.size());
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorCode::invalid,
                fmt::format("archive entry '{}' is a whiteout for an impossible name", printable(path)));
  return Whiteout{Whiteout::Kind::name, directory, name};
}

std::string whiteout_for(std::string_view name) { return fmt::format("{}{}", kPrefix, name); }

}  // namespace banger::tar

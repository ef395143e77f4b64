#include "config/path_values.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/bounds.h"
#include "base/text.h"

namespace banger::config {

namespace {

constexpr std::string_view kLineEnds("\0\r\n", 3);
constexpr std::string_view kGuestHome = "/root/", kHome = "~/";
constexpr std::size_t kModeDigits = 4;
constexpr unsigned kMostMode = 0777;

std::unexpected<Error> refuse(const Key& key, std::string_view what, std::string hint = {}) {
  return fail(ErrorCode::invalid, fmt::format("'{}' must {}", key.name, what), std::move(hint));
}

// What holds for the paths of both sides.
Result<> check_path(const Key& key, const std::string& path) {
  if (path.empty()) return refuse(key, "not be empty");
  if (path.find_first_of(kLineEnds) != path.npos) return refuse(key, "be one line without zero bytes");
  if (path.size() > limits::kPathBytes) return refuse(key, fmt::format("have at most {} bytes", limits::kPathBytes));
  if (!path.starts_with('/') && !path.starts_with(kHome))
    return refuse(key, "be " + type_text(key),
                  path.starts_with('~') ? "'~' alone and '~user' are not expanded" : "write the whole path");
  for (auto part : split(path, '/'))
    if (part == "..") return refuse(key, "have no '..' part", "write the path that it leads to");
  return {};
}

// "~/a//b/./c/" becomes "a/b/c".
std::string plain(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/'))
    if (!part.empty() && part != ".") parts.emplace_back(part);
  return join(parts, "/");
}

Result<Value> check_guest_path(const Key& key, const std::string& value) {
  bool home = value.starts_with(kHome), root = value.starts_with(kGuestHome);
  if (!home && !root) return refuse(key, "be " + type_text(key));
  auto path = plain(std::string_view(value).substr(home ? kHome.size() : kGuestHome.size()));
  if (path.empty()) return refuse(key, "be a path below the guest's home, not the home itself");
  return Value(std::move(path));
}

Result<Value> check_mode(const Key& key, const std::string& value) {
  unsigned number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, 8);
  bool whole = error == std::errc{} && end == value.data() + value.size() && value.size() <= kModeDigits;
  if (!whole || number > kMostMode)
    return refuse(key, fmt::format("be {}, not '{}'", type_text(key), printable(value.substr(0, 64))));
  return Value(std::uint64_t{number});
}

}  // namespace

Result<Value> check_path_value(const Key& key, const std::string& value) {
  if (key.type == Type::file_mode) return check_mode(key, value);
  TRY(check_path(key, value));
  if (key.type == Type::guest_path) return check_guest_path(key, value);
  return Value(value);
}

}  // namespace banger::config

#include "http/content_range.h"

#include <charconv>

#include "base/text.h"
#include "http/headers.h"

namespace banger::http {

namespace {

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  text = trim(text);
  constexpr std::string_view kUnit = "bytes ";
  if (!same_name(text.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  text = trim(text.substr(kUnit.size()));
  auto dash = text.find('-'), slash = text.find('/');
  if (dash == text.npos || slash == text.npos || slash < dash) return std::nullopt;
  auto first = number_of(text.substr(0, dash)), last = number_of(text.substr(dash + 1, slash - dash - 1));
  auto size = text.substr(slash + 1);
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{.first = *first, .last = *last, .size_bytes = number_of(size)};
  if (size != "*" && (!range.size_bytes || *last >= *range.size_bytes)) return std::nullopt;
  return range;
}

}  // namespace banger::http

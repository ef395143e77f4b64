#include "guest/text_block.h"

#include <fmt/format.h>

namespace banger::guest {

namespace {
constexpr std::string_view kBegin = "# banger: begin\n";
constexpr std::string_view kEnd = "# banger: end\n";

std::size_t find_line(std::string_view text, std::string_view line, std::size_t from) {
  for (std::size_t at = text.find(line, from); at != text.npos; at = text.find(line, at + 1))
    if (at == 0 || text[at - 1] == '\n') return at;
  return text.npos;
}
}  // namespace

std::string with_block(std::string_view text, std::string_view lines) {
  std::string block = lines.empty() ? "" : fmt::format("{}{}{}", kBegin, lines, kEnd);
  std::size_t begin = find_line(text, kBegin, 0);
  std::size_t end = begin == text.npos ? text.npos : find_line(text, kEnd, begin);
  // A block without its end was edited by hand. It stays unchanged, and a new block follows.
  if (end != text.npos) return fmt::format("{}{}{}", text.substr(0, begin), block, text.substr(end + kEnd.size()));
  if (block.empty()) return std::string(text);
  return fmt::format("{}{}{}", text, text.empty() || text.ends_with('\n') ? "" : "\n", block);
}

}  // namespace banger::guest

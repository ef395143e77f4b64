#include "roles/cli/markdown.h"

#include <fmt/format.h>

#include "roles/cli/help.h"

namespace banger::roles::cli {

namespace {
constexpr std::size_t kColumns = 120;
}  // namespace

std::string wrapped(std::string_view text, std::string_view first, std::string_view next) {
  std::string lines;
  for (const auto& line : wrap(text, kColumns - next.size()))
    lines += fmt::format("{}{}\n", lines.empty() ? first : next, line);
  return lines;
}

}  // namespace banger::roles::cli

#include "config/toml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace banger::config {

std::vector<Entry> entries_of(const toml::table& table, const std::string& prefix) {
  std::vector<Entry> entries;
  for (const auto& [key, node] : table)
    entries.push_back({prefix + std::string(key.str()), key.source().begin.line, &node});
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.line, a.name) < std::tie(b.line, b.name); });
  return entries;
}

Result<toml::table> parse_toml(std::string_view text, const std::string& path) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid,
                fmt::format("{}:{}: {}", path, error.source().begin.line, printable(error.description())));
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid, fmt::format("{}: not valid TOML: {}", path, error.what()));
  }
}

}  // namespace banger::config

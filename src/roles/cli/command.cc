#include "roles/cli/command.h"

#include <charconv>

namespace banger::roles::cli {

std::optional<bool> Args::toggle(std::string_view name) const {
  auto value = text(name);
  return value ? std::optional(*value == "true") : std::nullopt;
}

std::optional<std::string> Args::text(std::string_view name) const {
  auto it = values.find(name);
  return it == values.end() || it->second.empty() ? std::nullopt : std::optional(it->second.back());
}

std::optional<std::int64_t> Args::number(std::string_view name) const {
  auto value = text(name);
  if (!value) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

std::vector<std::string> Args::all(std::string_view name) const {
  auto it = values.find(name);
  return it == values.end() ? std::vector<std::string>{} : it->second;
}

std::map<std::string, std::string> Args::pairs(std::string_view name) const {
  std::map<std::string, std::string> pairs;
  for (const auto& pair : all(name)) {
    auto at = pair.find('=');
    pairs[pair.substr(0, at)] = at == pair.npos ? "" : pair.substr(at + 1);
  }
  return pairs;
}

int Context::usage(std::string_view message, std::string_view hint) const {
  io.note(Error{.message = std::string(message), .hint = std::string(hint)}.sentence());
  return exit_status::kUsage;
}

}  // namespace banger::roles::cli

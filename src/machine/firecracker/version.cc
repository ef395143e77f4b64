#include "machine/firecracker/version.h"

#include <fmt/format.h>

#include <charconv>

namespace banger::machine::firecracker {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "1.13.1" at the beginning of `text`.
std::optional<Version> version_at(std::string_view text) {
  Version version;
  std::uint32_t* parts[] = {&version.major, &version.minor, &version.patch};
  for (std::size_t i = 0; i < 3; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return version;
}

}  // namespace

std::optional<Version> find_version(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    bool begins = is_digit(text[at]) && (at == 0 || text[at - 1] == 'v' || text[at - 1] == ' ');
    if (!begins) continue;
    if (auto version = version_at(text.substr(at))) return version;
  }
  return std::nullopt;
}

std::string to_string(const Version& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

}  // namespace banger::machine::firecracker

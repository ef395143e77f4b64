#include "guestcfg/environment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bounds.h"
#include "base/text.h"
#include "base/utf8.h"
#include "guestcfg/bounds.h"

namespace banger::guestcfg {

namespace {

constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Result<> check_variable(std::string_view name, std::string_view value) {
  auto bad = [&](std::string_view why, std::string hint = {}) {
    return fail(ErrorCode::invalid, fmt::format("the variable '{}' {}", printable(name, 80), why), std::move(hint));
  };
  if (name.empty()) return fail(ErrorCode::invalid, "a variable has no name");
  if (name.contains('=')) return bad("has a '=' in its name");
  if (name.contains('\0') || value.contains('\0')) return bad("has a NUL byte");
  if (!is_utf8(name) || !is_utf8(value))
    return bad("is not UTF-8 text", "give it to single commands: banger vm exec -e …");
  if (name.size() + 1 + value.size() > limits::kExecStringBytes)
    return bad(fmt::format("has over {} bytes, and Linux starts no program with it", limits::kExecStringBytes));
  return {};
}

// Whether both readers of /etc/environment keep every character of the value inside quotes. The last condition is
// systemd's: one value with a code point that Unicode will never assign makes it refuse the whole file.
bool fits_in_line(std::string_view value) {
  while (!value.empty()) {
    auto [point, bytes] = first_character(value);
    bool control = (point < 0x20 && point != '\t') || point == 0x7f;
    bool never_assigned = (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
    if (bytes == 0 || control || never_assigned || point == '#') return false;
    value.remove_prefix(bytes);
  }
  return true;
}

// The value as both readers understand it. Neither reader knows an escape that the other knows too.
std::optional<std::string> quoted(std::string_view value) {
  bool backslash = value.contains('\\');
  if (value.find_first_not_of(kPlain) == value.npos) return std::string(value);
  if (!value.contains('\'')) return fmt::format("'{}'", value);
  if (!value.contains('"') && !backslash) return fmt::format("\"{}\"", value);
  // Quotes inside a bare value are ordinary characters.
  bool bare = value.front() != '"' && value.front() != '\'' && trim(value) == value;
  if (bare && !backslash) return std::string(value);
  return std::nullopt;
}

}  // namespace

Result<> check_environment(const std::map<std::string, std::string>& environment) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : environment) {
    TRY(check_variable(name, value));
    bytes += name.size() + value.size() + 2;  // '=' and NUL
  }
  if (bytes > limits::kEnvironmentBytes)
    return fail(ErrorCode::invalid,
                fmt::format("the variables of a VM have {} bytes, over the limit of {}", bytes,
                            format_size(limits::kEnvironmentBytes)),
                "put large values into files of the guest");
  if (environment.size() > limits::kGuestConfigItems)
    return fail(ErrorCode::invalid, fmt::format("a VM cannot have over {} variables", limits::kGuestConfigItems));
  return {};
}

bool is_shell_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

std::optional<std::string> environment_line(std::string_view name, std::string_view value) {
  if (!is_shell_name(name) || !fits_in_line(value)) return std::nullopt;
  auto text = quoted(value);
  if (!text || name.size() + 1 + text->size() > limits::kEnvironmentLineBytes) return std::nullopt;
  return fmt::format("{}={}", name, *text);
}

std::string unreached(std::string_view name, std::string_view value) {
  if (!is_shell_name(name)) return "login shells and services: shells do not accept its name";
  if (!environment_line(name, value)) return "services and cron jobs: /etc/environment cannot hold its value";
  return {};
}

}  // namespace banger::guestcfg

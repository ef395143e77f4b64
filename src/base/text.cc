#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace banger {

namespace {

constexpr std::string_view kUnits = "KMGT";

std::unexpected<Error> bad_size(std::string_view text) {
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a size", printable(text)), "write it like 512M, 1.5G or 8G");
}

std::unexpected<Error> bad_duration(std::string_view text) {
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a duration", printable(text)),
              "write it like 90s, 15m or 24h");
}

/// The 1024ths of a unit that the digits after the decimal point stand for. Nullopt for no digits, or too many.
std::optional<std::uint64_t> fraction_of(std::string_view digits) {
  constexpr std::size_t kMostDigits = 9;
  if (digits.empty() || digits.size() > kMostDigits || digits.find_first_not_of("0123456789") != digits.npos) return {};
  std::uint64_t number = 0, whole = 1;
  for (char digit : digits) {
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    whole *= 10;
  }
  return number * 1024 / whole;
}

// Optimal string alignment with three rows of state, which counts two swapped letters as one mistake.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text, std::string_view default_unit) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return bad_size(text);
  std::string_view unit(end, text.data() + text.size() - end);
  std::optional<std::uint64_t> fraction;
  if (unit.starts_with('.')) {
    auto digits = unit.substr(1, unit.find_first_not_of("0123456789", 1) - 1);
    fraction = fraction_of(digits);
    if (!fraction) return bad_size(text);
    unit.remove_prefix(1 + digits.size());
  }
  if (unit.empty()) unit = default_unit;
  if (unit.size() == 3 && unit.ends_with("iB"))
    unit.remove_suffix(2);
  else if (unit.ends_with("B"))
    unit.remove_suffix(1);
  if (unit.empty()) return fraction ? bad_size(text) : Result<std::uint64_t>(number);
  if (unit.size() != 1) return bad_size(text);
  auto power = kUnits.find(static_cast<char>(unit[0] & ~0x20));
  if (power == kUnits.npos) return bad_size(text);
  int shift = 10 * (static_cast<int>(power) + 1);
  if (number > (UINT64_MAX >> shift)) return bad_size(text);
  return (number << shift) + (fraction.value_or(0) << (shift - 10));
}

std::string format_size(std::uint64_t size_bytes) {
  if (size_bytes < 1024) return fmt::format("{}B", size_bytes);
  double value = static_cast<double>(size_bytes);
  std::size_t unit = 0;
  for (value /= 1024; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  double rounded = std::round(value * 10) / 10;
  return rounded == std::floor(rounded) ? fmt::format("{:.0f}{}", rounded, kUnits[unit])
                                        : fmt::format("{:.1f}{}", rounded, kUnits[unit]);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return bad_duration(text);
  std::uint64_t total_ms = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{}) return bad_duration(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    std::uint64_t factor = 0;
    for (auto [unit, ms] : {std::pair{"ms", 1u}, {"s", 1000u}, {"m", 60'000u}, {"h", 3'600'000u}, {"d", 86'400'000u}}) {
      if (!rest.starts_with(unit)) continue;
      factor = ms;
      rest.remove_prefix(std::string_view(unit).size());
      break;
    }
    if (!factor || number > 100ull * 365 * 86'400'000 / factor) return bad_duration(text);
    total_ms += number * factor;
  }
  return std::chrono::milliseconds(total_ms);
}

std::string format_duration(std::chrono::milliseconds duration) {
  auto ms = duration.count();
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{:.3g}s", static_cast<double>(ms) / 1000);
  auto s = ms / 1000;
  if (s < 3600) return fmt::format("{}m {}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h {}m", s / 3600, s % 3600 / 60);
  return fmt::format("{}d {}h", s / 86'400, s % 86'400 / 3600);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string to_hex(std::span<const std::byte> bytes) {
  return to_hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Result<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2) return fail(ErrorCode::invalid, "hex text has an odd length");
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc{} || end != hex.data() + i + 2) return fail(ErrorCode::invalid, "not hex text");
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string printable(std::string_view untrusted, std::size_t max_bytes) {
  std::string text;
  for (unsigned char byte : untrusted.substr(0, max_bytes)) {
    if (byte >= 0x20 && byte < 0x7f)
      text += static_cast<char>(byte);
    else
      text += fmt::format("\\x{:02x}", byte);
  }
  if (untrusted.size() > max_bytes) text += "…";
  return text;
}

namespace {

std::string_view without_dashes(std::string_view word) {
  auto at = word.find_first_not_of('-');
  return at == word.npos ? word : word.substr(at);
}

// Half of a short word is no typo: "p" is not meant as "cp".
bool is_typo(std::string_view word, std::size_t distance, std::string_view candidate) {
  if (distance <= word.size() / 3) return true;
  return word.size() == 2 && distance == 1 && word[0] == candidate.back() && word[1] == candidate.front();
}

}  // namespace

std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestTypo = 128;  // the cost is the product of the lengths, and the word is untrusted
  if (word.size() > kLongestTypo) return {};
  word = without_dashes(word);
  std::vector<std::pair<std::size_t, std::string>> scored;
  for (const auto& candidate : candidates) {
    auto name = without_dashes(candidate);
    auto distance = edit_distance(word, name);
    bool prefix = word.size() >= 2 && name.starts_with(word);
    if (prefix || is_typo(word, distance, name)) scored.emplace_back(prefix ? 0 : distance, candidate);
  }
  std::sort(scored.begin(), scored.end());
  std::vector<std::string> names;
  for (auto& [distance, name] : scored) names.push_back(std::move(name));
  return names;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  auto names = nearest(word, candidates);
  return names.empty() ? "" : fmt::format("did you mean '{}'?", names.front());
}

std::string did_you_mean(std::string_view word, std::initializer_list<std::string_view> candidates) {
  return did_you_mean(word, std::vector<std::string>(candidates.begin(), candidates.end()));
}

std::string shell_quote(std::string_view word) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!word.empty() && word.find_first_not_of(kSafe) == word.npos) return std::string(word);
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

}  // namespace banger

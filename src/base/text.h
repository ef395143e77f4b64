// Small text helpers: sizes and durations as people write them, suggestions, hex, splitting.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger {

/// "8G", "1.5G", "512M", "1024K", "4096" (bytes unless default_unit says otherwise), also "8GiB"; powers of 1024.
/// `default_unit` is one of "", "K", "M", "G", "T". A fraction is rounded down to 1/1024 of the unit, and bytes have
/// none. Zero must be written "0". Anything else is `invalid`.
Result<std::uint64_t> parse_size(std::string_view text, std::string_view default_unit = "");

/// 8589934592 → "8G", 1536 MiB → "1.5G"; one decimal at most.
std::string format_size(std::uint64_t size_bytes);

/// "24h", "90s", "1h30m", "250ms"; "0" is zero.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "2d 3h", "4m 10s", "1.25s", "37ms".
std::string format_duration(std::chrono::milliseconds duration);

std::vector<std::string_view> split(std::string_view text, char separator);  ///< keeps empty parts
std::string_view trim(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);

std::string to_hex(std::span<const std::byte> bytes);
std::string to_hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view hex);  ///< raw bytes

/// Printable form of untrusted bytes: control and non-ASCII bytes become \xNN, at most max_bytes of input.
std::string printable(std::string_view untrusted, std::size_t max_bytes = 200);

/// The candidates nearest to `word`, best first. They begin with it, or at most a third of its letters differ (edit
/// distance). Dashes before an option do not count. A word of two letters may have them swapped.
std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
/// "did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);
std::string did_you_mean(std::string_view word, std::initializer_list<std::string_view> candidates);

/// POSIX-shell quoting for messages and scripts; safe words stay bare.
std::string shell_quote(std::string_view word);

}  // namespace banger

// The Content-Range header of a partial response (RFC 9110, section 14.4). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace banger::http {

struct ContentRange {
  std::uint64_t first = 0, last = 0;        ///< offsets of bytes; both are part of the range
  std::optional<std::uint64_t> size_bytes;  ///< of the whole; nothing when the server does not know
};

/// Nothing for any text that is no range of bytes: a last byte before the first, or at the size or after.
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace banger::http

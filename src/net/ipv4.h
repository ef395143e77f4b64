// IPv4 addresses and ranges as numbers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::net {

/// An address in host byte order: 172.16.0.1 is 0xac100001.
using Ipv4 = std::uint32_t;

/// Exactly four decimal numbers. `invalid` quotes any other text.
Result<Ipv4> parse_ipv4(std::string_view text);
std::string to_text(Ipv4 address);

/// All addresses with the same first `prefix` bits.
struct Range {
  Ipv4 first = 0;
  std::uint32_t prefix = 0;

  static Range around(Ipv4 address, std::uint32_t prefix);
  Ipv4 last() const;
  bool contains(Ipv4 address) const { return first <= address && address <= last(); }
  bool overlaps(const Range& other) const { return first <= other.last() && other.first <= last(); }
  std::string text() const;  ///< "172.16.0.0/24"
  bool operator==(const Range&) const = default;
};

/// True when the whole range is inside 10/8, 172.16/12 or 192.168/16 (RFC 1918). A bridge can use such a range without
/// hiding hosts of the internet.
bool is_private(const Range& range);

/// The lowest address of the range that is not its first, not its last, not `host` and not in `taken`.
std::optional<Ipv4> free_address(const Range& range, Ipv4 host, std::span<const Ipv4> taken);

}  // namespace banger::net

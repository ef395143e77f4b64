// Sets of TCP ports. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banger::egress {

/// Both ends belong to the range.
struct PortRange {
  std::uint16_t first = 1, last = 65535;
  bool contains(std::uint16_t port) const { return first <= port && port <= last; }
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};
inline constexpr PortRange kAnyPort{};

/// "443" or "8000-8100". Nothing for any other text, for port 0 and for a range that ends before it begins.
std::optional<PortRange> parse_ports(std::string_view text);
std::string to_text(PortRange range);

/// A set of ports as ranges that are sorted, disjoint and not adjacent, so equal sets have equal ranges.
class Ports {
 public:
  Ports() = default;
  Ports(PortRange range) : ranges_{range} {}  // NOLINT: a range is a set

  void add(PortRange range);
  void add(const Ports& other);
  bool contains(std::uint16_t port) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<PortRange>& ranges() const { return ranges_; }
  friend bool operator==(const Ports&, const Ports&) = default;

 private:
  std::vector<PortRange> ranges_;
};

}  // namespace banger::egress

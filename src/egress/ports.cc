#include "egress/ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace banger::egress {

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || text[0] == '0') return std::nullopt;
  return port;
}

}  // namespace

std::optional<PortRange> parse_ports(std::string_view text) {
  auto dash = text.find('-');
  auto first = parse_port(text.substr(0, dash));
  auto last = dash == text.npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

std::string to_text(PortRange range) {
  return range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
}

void Ports::add(PortRange range) {
  // The first range that touches the new one, and the first behind them.
  auto begin = std::ranges::lower_bound(ranges_, int{range.first} - 1, {}, [](PortRange old) { return int{old.last}; });
  auto end = std::ranges::upper_bound(begin, ranges_.end(), int{range.last} + 1, {},
                                      [](PortRange old) { return int{old.first}; });
  if (begin != end) {
    range.first = std::min(range.first, begin->first);
    range.last = std::max(range.last, std::prev(end)->last);
  }
  ranges_.insert(ranges_.erase(begin, end), range);
}

void Ports::add(const Ports& other) {
  for (auto range : other.ranges_) add(range);
}

bool Ports::contains(std::uint16_t port) const {
  auto found = std::ranges::lower_bound(ranges_, port, {}, &PortRange::last);
  return found != ranges_.end() && found->first <= port;
}

}  // namespace banger::egress

#include "egress/closed.h"

#include <algorithm>

namespace banger::egress {

namespace {

constexpr ClosedRange kClosed[] = {
    {{0x00000000, 8}, "this network (0.0.0.0/8)", false},
    {{0x0a000000, 8}, "a private network", true},
    {{0x64400000, 10}, "the network of a carrier (100.64.0.0/10)", true},
    {{0x7f000000, 8}, "the loopback network", false},
    {{0xa83f8110, 32}, "the metadata of a cloud", true},  // 168.63.129.16, Azure's WireServer
    {{0xa9fe0000, 16}, "the link-local network, where clouds serve metadata", true},
    {{0xac100000, 12}, "a private network", true},
    {{0xc0000000, 24}, "a reserved network", true},  // 192.0.0.192 is metadata of Oracle's cloud
    {{0xc0000200, 24}, "a network for examples", true},
    {{0xc0586300, 24}, "a reserved network", true},
    {{0xc0a80000, 16}, "a private network", true},
    {{0xc6120000, 15}, "a network for benchmarks", true},
    {{0xc6336400, 24}, "a network for examples", true},
    {{0xcb007100, 24}, "a network for examples", true},
    {{0xe0000000, 4}, "the multicast network", false},
    {{0xf0000000, 4}, "a reserved network", false},
};

}  // namespace

std::span<const ClosedRange> closed_ranges() { return kClosed; }

const ClosedRange* closed_range_of(net::Ipv4 address) {
  auto after =
      std::ranges::upper_bound(kClosed, address, {}, [](const ClosedRange& closed) { return closed.range.first; });
  if (after == std::begin(kClosed)) return nullptr;
  const auto* before = std::prev(after);
  return before->range.contains(address) ? before : nullptr;
}

}  // namespace banger::egress

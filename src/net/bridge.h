// The bridge of the VMs: a link of the host with one address, and IPv4 forwarding. Needs CAP_NET_ADMIN.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/ipv4.h"

namespace banger::net {

struct Bridge {
  std::string name;  ///< "br-banger"
  Ipv4 address = 0;  ///< the host's address on the bridge
  std::uint32_t prefix = 24;
  std::uint32_t mtu = 0;  ///< 0: limits::kEthernetMtu
  Range range() const { return Range::around(address, prefix); }
};

/// `invalid` unless the bridge has a valid link name, a private range, and an address inside the range.
Result<> check_bridge(const Bridge& bridge);

/// Makes the bridge, or its missing parts: link, address, up, IPv4 forwarding. `exists` when another program made a
/// link of that name, or when the host has a route into the range. The hint then suggests a free range.
///
/// The kernel forwards between links only with net.ipv4.ip_forward, which applies to the whole host. Its old value is
/// noted in the bridge's alias before it is changed.
Result<> ensure_bridge(const Bridge& bridge);

/// Removes the bridge. Succeeds when there is none. Turns forwarding off again if ensure_bridge turned it on, unless
/// the host has another bridge, which may rely on forwarding. `busy` while the bridge has ports.
Result<> remove_bridge(const Bridge& bridge);

}  // namespace banger::net

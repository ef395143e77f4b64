// The bridge of the VMs: a link of the host with one address, and IP forwarding. Needs CAP_NET_ADMIN.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/ipv4.h"

namespace banger::net {

struct Bridge {
  std::string name;  ///< "br-banger"
  Ipv4 address = 0;  ///< the host's on it
  std::uint32_t prefix = 24;
  Range range() const { return Range::around(address, prefix); }
};

/// `invalid` when it cannot be one: the name's letters and length, a private range, an address inside it.
Result<> check_bridge(const Bridge& bridge);

/// Makes it, or what is missing of it: link, address, up, IPv4 forwarding. `exists` when a link of that name is not
/// ours, or when the host has a route into its range, with a range that is free.
///
/// The kernel forwards between links only with net.ipv4.ip_forward, which is for the whole host. What it was is noted
/// in the bridge's alias before it is changed.
Result<> ensure_bridge(const Bridge& bridge);

/// Takes it away; fine when there is none. Forwarding is turned off again if ensure_bridge turned it on and the host
/// has no other bridge, which may rely on it by now. `busy` while it has ports.
Result<> remove_bridge(const Bridge& bridge);

}  // namespace banger::net

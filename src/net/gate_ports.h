// Where the firewall sends the packets of guests with an egress policy: ports of the bridge's address.
#pragma once

#include <cstdint>

namespace banger::net {

struct GatePorts {
  std::uint16_t tcp = 0;        ///< all connections but those of names
  std::uint16_t names_udp = 0;  ///< what goes to port 53
  std::uint16_t names_tcp = 0;
  friend bool operator==(const GatePorts&, const GatePorts&) = default;
};

}  // namespace banger::net

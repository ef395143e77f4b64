// The sockets of the gate between guests with an egress policy and the outside (roles/gate).
#pragma once

#include "net/dns_service.h"
#include "net/gate_ports.h"

namespace banger::net {

struct GateSockets {
  UniqueFd tcp;  ///< listens
  DnsSockets names;
};

/// On free ports of the bridge's address, in the network of this process.
Result<GateSockets> open_gate_sockets(host::Ipv4 bridge);
Result<GatePorts> ports_of(const GateSockets& sockets);

}  // namespace banger::net

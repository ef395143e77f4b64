// A name server for guests: UDP and TCP on one address, with answers of the caller's choice. Each question is answered
// in a coroutine of its own, because an answer may wait for another server.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "net/dns_server.h"

namespace banger::net {

/// Bound sockets; the TCP one listens. They may belong to another network namespace.
struct DnsSockets {
  UniqueFd udp, tcp;
};
/// `busy` when the address is in use. Port 0 means any free port, one for each socket. Port 53 needs
/// CAP_NET_BIND_SERVICE.
Result<DnsSockets> open_dns_sockets(const host::Endpoint& where);

enum class DnsCarrier { udp, tcp };

/// The answer to the query of the host with that address. nullopt: there is none, and over TCP the connection ends.
using DnsAnswerer =
    std::function<Task<std::optional<std::string>>(std::string query, host::Ipv4 from, DnsCarrier carrier)>;

/// Serves until it is destroyed, which ends the loops and drops answers on their way. At most limits::kDnsRelayed
/// questions over UDP wait at once. Further ones are lost, as on a network that is too full. One asker has a quarter of
/// that, and of limits::kDnsTcpConnections.
Result<std::unique_ptr<DnsServer>> answer_dns_on(host::Runtime& runtime, DnsSockets sockets, DnsAnswerer answerer);

}  // namespace banger::net

#include "net/gate_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/bound_socket.h"
#include "net/bounds.h"

namespace banger::net {

namespace {

Result<std::uint16_t> port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) < 0) return fail_errno("ask for a port");
  if (address.sin_family != AF_INET || address.sin_port == 0)
    return fail(ErrorCode::internal, "a socket of the gate has no port");
  return ntohs(address.sin_port);
}

}  // namespace

Result<GateSockets> open_gate_sockets(host::Ipv4 bridge) {
  return GateSockets{.tcp = TRY(bound_socket(SOCK_STREAM, {bridge, 0}, limits::kGateBacklog)),
                     .names = TRY(open_dns_sockets({bridge, 0}))};
}

Result<GatePorts> ports_of(const GateSockets& sockets) {
  return GatePorts{.tcp = TRY(port_of(sockets.tcp.get())),
                   .names_udp = TRY(port_of(sockets.names.udp.get())),
                   .names_tcp = TRY(port_of(sockets.names.tcp.get()))};
}

}  // namespace banger::net

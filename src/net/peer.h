// Which user's process is at the other end of a TCP connection of this host. The kernel knows: sock_diag(7), and
// /proc/net/tcp where a kernel lacks sock_diag.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "base/result.h"
#include "host/endpoint.h"

namespace banger::net {

/// Both ends of an IPv4 connection, as the process that accepted the connection sees them.
struct TcpEnds {
  host::Endpoint here, there;
};

/// The ends of a connected IPv4 socket. `invalid` for any other socket.
Result<TcpEnds> ends_of(int socket);

/// The user of the process that holds the other end. `not_found` when no process of this network namespace holds it:
/// the peer is another host, or has closed its socket already.
Result<uid_t> peer_uid(const TcpEnds& ends);

/// Whether a connection comes from a process of `owner` or of root. A peer that is not known is neither.
bool is_peer_of(int socket, uid_t owner);

/// The same answer as peer_uid(), from the text of /proc/net/tcp or /proc/net/tcp6. nullopt: no process holds the
/// other end.
std::optional<uid_t> find_peer(std::string_view table, const TcpEnds& ends);

}  // namespace banger::net

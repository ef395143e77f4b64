// Bound sockets of IPv4 for servers that make their loops themselves.
#pragma once

#include "base/unique_fd.h"
#include "host/endpoint.h"

namespace banger::net {

/// A non-blocking socket of SOCK_DGRAM or SOCK_STREAM; the latter listens with that backlog. Port 0 means any free
/// port. `busy` when the address is in use.
Result<UniqueFd> bound_socket(int type, const host::Endpoint& where, int backlog);

}  // namespace banger::net

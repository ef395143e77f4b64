// The addresses of this host, as the kernel has them now.
#pragma once

#include <vector>

#include "net/ipv4.h"

namespace banger::net {

/// The IPv4 addresses of all links, sorted, without loopback ones; at most limits::kOwnAddresses.
Result<std::vector<Ipv4>> own_addresses();

}  // namespace banger::net

// Where this host reaches what a VM listens on. The one place that knows how a VM's network answers that.
#pragma once

#include <optional>

#include "engine/vm/owner.h"
#include "host/endpoint.h"

namespace banger::engine {

/// How connections get to a port of the guest.
enum class Reach {
  forwarded,  ///< the daemon listens on an address of the host's loopback, which is the VM's alone, and passes them on
  direct,     ///< the guest has an address of its own in a network of the host
};

struct VmAddress {
  host::Ipv4 address;
  Reach reach;
};

/// Of a running VM of a user; nothing for all others.
std::optional<VmAddress> address_of(const VmOwner& vm);

}  // namespace banger::engine

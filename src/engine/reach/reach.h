// At which address this host reaches a VM. Only this file knows how the answer depends on the VM's network.
#pragma once

#include <optional>

#include "engine/vm/owner.h"
#include "host/endpoint.h"

namespace banger::engine {

/// How connections reach a port of the guest.
enum class Reach {
  forwarded,  ///< the daemon listens on a loopback address that only this VM uses, and passes connections on
  direct,     ///< the guest has an address of its own in a network of the host
};

struct VmAddress {
  host::Ipv4 address;
  Reach reach;
};

/// The address of a user's running VM; nullopt for all other VMs. With `auto_wake`, a suspended VM with forwards keeps
/// its address, because a connection there wakes the VM.
std::optional<VmAddress> address_of(const VmOwner& vm);

}  // namespace banger::engine

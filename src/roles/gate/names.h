// Lookups of guests with a policy (egress/name_gate.h). The gate asks a server, and opens what the answer has before
// the guest gets it.
#pragma once

#include <memory>
#include <vector>

#include "net/dns_service.h"
#include "roles/gate/guests.h"

namespace banger::roles::gate {

struct NameServers {
  std::vector<host::Endpoint> outside;  ///< asked in this order
  host::Endpoint vm_names;              ///< for names below .vm; port 0: none
};

/// Serves until it is destroyed. The guests outlive it.
Result<std::unique_ptr<net::DnsServer>> serve_names(host::Runtime& runtime, net::DnsSockets sockets, Guests& guests,
                                                    NameServers servers);

}  // namespace banger::roles::gate

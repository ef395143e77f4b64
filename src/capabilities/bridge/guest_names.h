// The name server of guests in a private network: names below .vm, and all others by way of the host's servers.
#pragma once

#include <memory>

#include "capabilities/bridge/leases.h"
#include "capabilities/resource_host.h"
#include "net/dns_relay.h"

namespace banger::capabilities {

class GuestNames {
 public:
  GuestNames(const ResourceHost& host, const Leases& leases) : host_(host), leases_(leases) {}
  /// Whether it serves in the network of now. A network that was lost has a successor without bridge and server.
  bool serves() const;
  /// Serves on the bridge, which must exist. May be repeated.
  Task<Result<>> serve();
  void end() { server_.reset(); }

 private:
  ResourceHost host_;
  const Leases& leases_;
  std::shared_ptr<const host::Namespaces> network_;  ///< of the server
  std::unique_ptr<net::DnsServer> server_;
};

}  // namespace banger::capabilities

// The DNS server that answers `<name>.vm` and `<id>.vm` for this daemon's running VMs, if the config enables it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/fleet/registry.h"
#include "engine/health/doctor.h"
#include "net/dns_server.h"

namespace banger::engine {

class Dns {
 public:
  /// The resolvers that the host's programs ask, as far as they may know this server: those on loopback addresses.
  using Resolvers = std::function<std::vector<host::Endpoint>()>;

  /// Borrows the references for the daemon's life.
  Dns(Services& services, const VmRegistry& vms, Resolvers resolvers = local_resolvers)
      : services_(services), vms_(vms), resolvers_(std::move(resolvers)) {}

  /// Listens until the daemon ends. Another user's daemon may use the address, so run() repeats a failed attempt
  /// periodically.
  Task<> run();
  Check check() const;
  /// Whether this host's programs find the VM by its name. Asks the host's resolver, and compares the address.
  Task<bool> is_known_to_host(std::shared_ptr<VmOwner> vm) const;

 private:
  static std::vector<host::Endpoint> local_resolvers();
  Result<> listen();

  Services& services_;
  const VmRegistry& vms_;
  const Resolvers resolvers_;
  std::unique_ptr<net::DnsServer> server_;
  Error why_not_;  ///< set while the server does not listen
};

}  // namespace banger::engine

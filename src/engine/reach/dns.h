// The DNS server that answers `<name>.vm` and `<id>.vm` for this daemon's running VMs, if the config enables it.
#pragma once

#include <memory>
#include <string>

#include "engine/fleet/registry.h"
#include "engine/health/doctor.h"
#include "net/dns_server.h"

namespace banger::engine {

class Dns {
 public:
  /// Borrows both arguments for the daemon's life.
  Dns(Services& services, const VmRegistry& vms) : services_(services), vms_(vms) {}

  /// Listens until the daemon ends. Another user's daemon may use the address, so run() repeats a failed attempt
  /// periodically.
  Task<> run();
  Check check() const;

 private:
  Result<> listen();

  Services& services_;
  const VmRegistry& vms_;
  std::unique_ptr<net::DnsServer> server_;
  Error why_not_;  ///< set while the server does not listen
};

}  // namespace banger::engine

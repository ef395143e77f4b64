// `<name>.vm` and `<id>.vm` for this daemon's running VMs: the DNS server, where the config wants it.
#pragma once

#include <memory>
#include <string>

#include "engine/fleet/registry.h"
#include "engine/health/doctor.h"
#include "net/dns_server.h"

namespace banger::engine {

class Dns {
 public:
  /// Borrows both for the daemon's life.
  Dns(Services& services, const VmRegistry& vms) : services_(services), vms_(vms) {}

  /// Listens for as long as the daemon serves. An address that is in use, as by another user's daemon, is no reason to
  /// fail: it is tried again now and then.
  Task<> run();
  Check check() const;

 private:
  Result<> listen();

  Services& services_;
  const VmRegistry& vms_;
  std::unique_ptr<net::DnsServer> server_;
  Error why_not_;  ///< set while it does not listen
};

}  // namespace banger::engine

// The relay to the host's proxy on a bridge (host_proxy/relay.h), where the config asks for one.
#pragma once

#include <memory>
#include <optional>

#include "capabilities/bridge/device.h"
#include "capabilities/bridge/leases.h"
#include "capabilities/host_proxy/relay.h"

namespace banger::capabilities {

class GuestProxy {
 public:
  GuestProxy(const ResourceHost& host, const BridgeDevice& device, const Leases& leases)
      : host_(host), device_(device), leases_(leases), changing_(host.runtime) {}
  /// Serves on the bridge, which must exist, if guests use the host's proxy. May be repeated. A failure is logged:
  /// without the relay, guests have a network all the same.
  Task<> serve();
  void end() { relay_.reset(); }
  /// "172.16.0.1:3128"; empty while there is no relay.
  std::string address() const;
  std::optional<host::Endpoint> endpoint() const;
  /// Why there is no relay although guests should have one.
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  Task<Result<>> start();
  Task<Result<UniqueFd>> listen();
  bool serves(const net::TcpStream& client) const;

  ResourceHost host_;
  const BridgeDevice& device_;
  const Leases& leases_;
  std::shared_ptr<const host::Namespaces> network_;  ///< of the relay
  std::unique_ptr<ProxyRelay> relay_;
  host::Mutex changing_;
  std::optional<Error> trouble_;
};

}  // namespace banger::capabilities

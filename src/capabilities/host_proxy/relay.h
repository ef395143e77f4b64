// The host's proxy for guests: an HTTP proxy on the bridge's address, which connects to the host's proxy and to nothing
// else. It adds the host's user and password, so that guests need not know them.
#pragma once

#include <functional>
#include <memory>

#include "capabilities/host_proxy/request.h"
#include "capabilities/host_proxy/settings.h"
#include "host/endpoint.h"
#include "host/runtime.h"
#include "http/resolver.h"
#include "net/tcp.h"

namespace banger::capabilities {

struct ProxyRelayOptions {
  HostProxies proxies;
  ProxyReach reach;
  std::function<bool(const net::TcpStream& client)> serves;  ///< whether it is one of the guests
  http::ResolverFiles files = {};                            ///< for the proxy's name
};

/// Ends all its connections when it is destroyed.
class ProxyRelay {
 public:
  virtual ~ProxyRelay() = default;
  virtual host::Endpoint endpoint() const = 0;
};

/// Calls the options' functions on the control thread.
Result<std::unique_ptr<ProxyRelay>> relay_to_proxy(host::Runtime& runtime, UniqueFd listening,
                                                   ProxyRelayOptions options);

}  // namespace banger::capabilities

// The proxy that the host's programs use, for guests: which one it is, and the variables that lead guests to it. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/proxy.h"
#include "net/ipv4.h"

namespace banger::capabilities {

/// The proxies of HTTPS_PROXY and HTTP_PROXY. They may be the same one.
struct HostProxies {
  std::optional<http::Proxy> tunnels;   ///< for CONNECT
  std::optional<http::Proxy> requests;  ///< for requests without TLS
  bool empty() const { return !tunnels && !requests; }
  bool has_password() const;
};

/// Errors are those of http::proxy_for().
Result<HostProxies> host_proxies(const http::ProxySettings& settings);

/// "http://proxy.example.org:3128", without a password.
std::string to_text(const http::Proxy& proxy);

using Variables = std::map<std::string, std::string>;

/// http_proxy, https_proxy and no_proxy, in small and in large letters, for a guest on a bridge. `relay` is
/// "172.16.0.1:3128"; `range` is the bridge's network. Empty without a proxy.
Variables variables_for_relay(const http::ProxySettings& settings, const std::string& relay, const net::Range& range);

/// The same for a guest with the user network, which reaches the proxy itself. A proxy on the host's loopback is at the
/// gateway there. Empty for a proxy with a password, because the guest must not learn it.
Variables variables_for_user_network(const http::ProxySettings& settings);

}  // namespace banger::capabilities

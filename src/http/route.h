// The way from this host to a server: through a proxy or direct, over TLS or not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/resolver.h"
#include "http/stream.h"

namespace banger::http {

struct Route {
  Url url;
  std::optional<Proxy> proxy;
  Within within = Within::anywhere;

  /// Two routes with equal keys can use the same connection.
  std::string key() const;
  /// Whether the proxy sees the requests themselves.
  bool is_plain_proxy() const { return proxy && url.scheme == "http"; }
};

/// Whether a server is of this host or its networks. `peer` is the other end of a connection on this route.
bool is_local(const Route& route, const Address& peer);

/// `denied` when the route leads where it must not.
Result<> check_reach(const Route& route, const Address& peer);

/// The addresses of the server, or of the proxy. `denied` when one of them must not be reached.
Task<Result<std::vector<Address>>> look_up(host::Runtime& runtime, const Options& options, Route route,
                                           Patience patience);

/// Opens a connection to one of the addresses: TCP, the proxy's tunnel, TLS. The patience's end is that of this
/// attempt.
Task<Result<Stream>> open_route(host::Runtime& runtime, const Options& options, Route route,
                                std::vector<Address> addresses, Patience patience);

}  // namespace banger::http

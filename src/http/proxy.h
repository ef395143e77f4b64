// Which proxy a request goes through, from the variables that curl and Docker read. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "http/url.h"

namespace banger::http {

/// Returns the value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The values of HTTPS_PROXY, HTTP_PROXY and NO_PROXY; empty when unset.
struct ProxySettings {
  std::string https, http, no_proxy;
};

/// Upper-case names first, then lower-case names.
ProxySettings proxy_settings(const Environment& environment);

/// A proxy that understands CONNECT and plain requests.
struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  ///< the value of Proxy-Authorization, or ""
};

/// The proxy for `url`. Nothing when no proxy is set, or NO_PROXY names the host. Localhost and loopback addresses have
/// no proxy either. `unsupported` for a proxy that is not reached over http. `invalid` for a value
/// that is no URL; the message leaves out the password.
Result<std::optional<Proxy>> proxy_for(const ProxySettings& settings, const Url& url);

}  // namespace banger::http

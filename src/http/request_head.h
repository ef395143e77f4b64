// What a request looks like on the wire (RFC 9112). Pure.
#pragma once

#include <optional>
#include <string>

#include "http/client.h"

namespace banger::http {

/// `invalid` for a request that would not arrive as it is meant: a malformed method, URL or header.
Result<> check(const Request& request);

/// The size of the request's body.
std::uint64_t body_bytes(const Request& request);

/// The request line and the headers. `plain_proxy`: the proxy that gets the request, if no tunnel leads through it.
std::string request_head(const Request& request, const std::string& user_agent,
                         const std::optional<Proxy>& plain_proxy);

/// The head of a CONNECT request, which asks the proxy for a tunnel to the server of `url`.
std::string tunnel_head(const Url& url, const std::string& user_agent, const Proxy& proxy);

}  // namespace banger::http

// Absolute URLs of the schemes http and https, and references to them (RFC 3986). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::http {

/// The parts of an absolute URL. A fragment is dropped. User names and passwords in URLs are refused.
struct Url {
  std::string scheme = "https";  ///< "http" or "https"
  std::string host;              ///< lower case; an IPv6 address has no brackets
  std::uint16_t port = 443;      ///< never 0
  std::string target = "/";      ///< path and query, as sent: begins with '/', printable ASCII without spaces
  friend bool operator==(const Url&, const Url&) = default;
};

/// `unsupported` for a scheme other than http and https, named in the message. `invalid` for everything else that is
/// no URL, and for a text that is longer than limits::kUrlBytes.
Result<Url> parse_url(std::string_view text);

/// The inverse of parse_url. The port is left out when it is the scheme's own.
std::string to_string(const Url& url);

/// "host", "host:5000" or "[::1]:5000": the value of a Host header. The port is left out when it is the scheme's own.
std::string host_and_port(const Url& url);

/// The URL that a Location header at `base` means: absolute, without a scheme, or without a host (RFC 3986, section 5).
/// Errors are those of parse_url.
Result<Url> resolve(const Url& base, std::string_view location);

/// Whether both URLs have the same scheme, host and port. Credentials for one then may be sent to the other.
bool same_origin(const Url& one, const Url& other);

}  // namespace banger::http

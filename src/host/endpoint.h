// An IPv4 address and a port, as in the config and in sockets. Pure: no name is resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::host {

/// In host byte order: 0x7f000001 is 127.0.0.1.
using Ipv4 = std::uint32_t;

std::optional<Ipv4> parse_ipv4(std::string_view text);
std::string ipv4_text(Ipv4 address);

struct Endpoint {
  Ipv4 address = 0;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Parses "127.0.0.1:42069". `invalid` for any other text, and for port 0.
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

}  // namespace banger::host

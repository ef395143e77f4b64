// An IPv4 address and a port, as the config and the sockets have them. Pure: nothing is looked up.
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

/// "127.0.0.1:42069". `invalid` for anything else; port 0 included.
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

}  // namespace banger::host

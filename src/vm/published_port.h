// A port of this host whose connections go to a port of the guest for as long as the VM has it in its record. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::vm {

struct PublishedPort {
  std::string address;     ///< of this host, IPv4
  std::uint16_t host = 0;  ///< 0: any free port, until the daemon has chosen one
  std::uint16_t guest = 0;
  friend bool operator==(const PublishedPort&, const PublishedPort&) = default;
};

/// Parses "8080:80", which is at 127.0.0.1, or "0.0.0.0:8080:80".
Result<PublishedPort> parse_published_port(std::string_view text);
/// With the address.
std::string to_string(const PublishedPort& port);

/// `invalid` for too many ports, and for two ports with the same place on this host.
Result<> check_published(const std::vector<PublishedPort>& ports);

}  // namespace banger::vm

// The target of a tunnel: the authority of a CONNECT request, and the limited name resolution of a static binary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::roles::agent {

struct Authority {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
};

/// `127.0.0.1:80`, `[::1]:80`, `localhost:80`. `invalid` otherwise.
Result<Authority> parse_authority(std::string_view text);

/// Numeric addresses of `host`, in the order to try them. A numeric host gives itself, `localhost` gives the loopback
/// pair, and other names are looked up in the text of hosts(5). `not_found` when there is no address.
Result<std::vector<std::string>> addresses_of(std::string_view host, std::string_view hosts_file);

}  // namespace banger::roles::agent

// Where a tunnel goes: the authority of a CONNECT request, and the little name resolution a static binary can do.
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

/// Numeric addresses of `host`, in the order to try them: itself when numeric, the loopback pair for `localhost`, else
/// what hosts(5) text says. `not_found` when that is nothing.
Result<std::vector<std::string>> addresses_of(std::string_view host, std::string_view hosts_file);

}  // namespace banger::roles::agent

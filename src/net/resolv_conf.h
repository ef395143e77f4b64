// The host's resolv.conf(5), and what a guest on the VMM's user-mode network makes of it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banger::net {

struct ResolvConf {
  std::vector<std::string> servers;  ///< as written: IPv4 or IPv6
  std::vector<std::string> search;   ///< domains, without a final dot
};
ResolvConf parse_resolv_conf(std::string_view text);

/// The name servers of a guest, in the host's order. The VMM forwards questions at kUserResolver to the host's first
/// IPv4 server. The guest asks the other servers itself. It reaches the host's 127.0.0.1 at kUserGateway, but no other
/// loopback address, no link-local address and no IPv6. Never empty.
std::vector<std::string> user_mode_servers(const ResolvConf& host);

}  // namespace banger::net

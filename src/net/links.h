// Finds the links of this network namespace, and tells banger's links from others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/netlink.h"

namespace banger::net {

/// The mark of our links: their alias (ip-link(8)) begins with this word, followed by a note (for taps: whose tap it
/// is, tap.h).
inline constexpr std::string_view kAlias = "banger";

struct LinkInfo {
  std::string name;
  int index = 0;
  std::string kind;  ///< "bridge", "tun", …; empty for a physical one
  std::string alias;
  std::string mac;  ///< lower case
  int master = 0;   ///< index of the bridge that has the link as a port; 0: none
  bool up = false;
  bool ours() const { return alias == kAlias || alias.starts_with(std::string(kAlias) + " "); }
};

Result<std::optional<LinkInfo>> find_link(Netlink& netlink, const std::string& name);
Result<std::vector<LinkInfo>> list_links(Netlink& netlink);

/// Turns IPv6 off on that link, so that guests cannot advertise routes to the host. The rest of the host's IPv6 is left
/// alone.
Result<> disable_ipv6(const std::string& name);

}  // namespace banger::net

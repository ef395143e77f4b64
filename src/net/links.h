// Looking at the links of this network namespace, and telling ours from those of others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/netlink.h"

namespace banger::net {

/// How our links are marked: as their alias (ip-link(8)), with what there is to remember behind it.
inline constexpr std::string_view kAlias = "banger";

struct LinkInfo {
  std::string name;
  int index = 0;
  std::string kind;  ///< "bridge", "tun", …; empty for a physical one
  std::string alias;
  std::string mac;  ///< lower case
  int master = 0;   ///< index of the bridge it is a port of; 0: none
  bool up = false;
  bool ours() const { return alias == kAlias || alias.starts_with(std::string(kAlias) + " "); }
};

Result<std::optional<LinkInfo>> find_link(Netlink& netlink, const std::string& name);
Result<std::vector<LinkInfo>> list_links(Netlink& netlink);

/// No IPv6 through that link: guests must not advertise routes to the host. The rest of the host's IPv6 is left alone.
Result<> forbid_ipv6(const std::string& name);

}  // namespace banger::net

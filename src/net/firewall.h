// The rules of ruleset.h on this host. Blocks for some milliseconds; needs CAP_NET_ADMIN.
#pragma once

#include <string>

#include "net/ruleset.h"

namespace banger::net {

/// Makes our tables, and our rules in chains of others that would drop packets of the bridge. Repeatable.
Result<> ensure_firewall(const std::string& bridge);
/// Removes our tables and rules. Succeeds when there are none.
Result<> remove_firewall(const std::string& bridge);

/// As lan_rules() says. Belongs before the admission of the guest with that address.
Result<> set_lan(const std::string& bridge, Ipv4 address, Lan lan);

/// As host_rules() says.
Result<> close_host(const std::string& bridge, const std::vector<Ipv4>& addresses);

/// Both make our tables anew if another program flushed them.
Result<> admit_guest(const std::string& bridge, const GuestPort& guest);
Result<> remove_guest(const std::string& bridge, const GuestPort& guest);

/// Removes every guest from the tap. Succeeds when there is none.
Result<> clear_tap(const std::string& bridge, std::uint32_t tap);

/// Forward chains of other programs that drop unknown packets. For doctor.
Result<std::vector<ClosedChain>> find_closed_chains(const std::string& bridge);

}  // namespace banger::net

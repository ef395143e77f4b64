// The rules of ruleset.h on this host. Blocks for some milliseconds; needs CAP_NET_ADMIN.
#pragma once

#include <string>

#include "net/ruleset.h"

namespace banger::net {

/// Our tables, and our rules where others would drop what passes the bridge. Repeatable.
Result<> ensure_firewall(const std::string& bridge);
/// Nothing of ours is left. Fine when there was nothing.
Result<> remove_firewall(const std::string& bridge);

/// Both make our tables anew if someone flushed them.
Result<> let_guest_on(const std::string& bridge, const GuestPort& guest);
Result<> take_guest_off(const std::string& bridge, const GuestPort& guest);

/// Whoever is on the tap; fine when nobody is.
Result<> clear_tap(const std::string& bridge, std::uint32_t tap);

/// Forward chains of others that drop; for doctor.
Result<std::vector<ClosedChain>> find_closed_chains(const std::string& bridge);

}  // namespace banger::net

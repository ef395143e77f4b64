// Changes the MAC of a link by ioctl (netdevice(7)). This is a tenth of the code of rtnetlink, and a clone's first
// command waits for it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::net {

/// The socket for the ioctls. One socket serves any number of links and calls.
Result<UniqueFd> link_control();

/// Gives the link with the MAC `from` the MAC `to`, while it is up. MACs are in lower case with colons. `not_found`
/// when no link has `from`, `busy` when that kind of link must be down for the change.
Result<> change_mac(int control, const std::string& from, const std::string& to);

}  // namespace banger::net

// One link's MAC, by ioctl (netdevice(7)): a tenth of the code that rtnetlink takes, for a clone whose first command
// waits.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::net {

/// The socket that the ioctls want; any number of links, any number of times.
Result<UniqueFd> link_control();

/// Gives the link that has the MAC `from` the MAC `to`, while it is up; lower case, colons. `not_found` when no link
/// has it, `busy` when that kind of link has to be down for it.
Result<> change_mac(int control, const std::string& from, const std::string& to);

}  // namespace banger::net

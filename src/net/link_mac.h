// One link's MAC, by ioctl (netdevice(7)): a tenth of the code that rtnetlink takes, for a clone whose first command waits.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::net {

/// Gives the link that has the MAC `from` the MAC `to`, while it is up; lower case, colons. `not_found` when no link has
/// it, `busy` when that kind of link has to be down for it.
Result<> change_mac(const std::string& from, const std::string& to);

}  // namespace banger::net

// The lock that allows one daemon for each state directory.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::daemon {

/// The lock is held until the descriptor is closed. The kernel closes the descriptor when the process ends for any
/// reason. `exists` when another daemon holds the lock.
Result<UniqueFd> take_instance_lock(const std::string& path);

}  // namespace banger::roles::daemon

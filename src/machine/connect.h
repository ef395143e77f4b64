// Connecting to the sockets of a VMM in its VM's directory.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::machine {

/// Connects to a socket in `directory`, at any path length, without waiting for the other side. `busy` when the backlog
/// is full, `unavailable` when no process listens, `not_found` when there is no socket.
Result<UniqueFd> connect_now(const std::string& directory, std::string_view name);

}  // namespace banger::machine

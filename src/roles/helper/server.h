// Accepts the root helper's connections, and handles each in a process of its own. So a request that stalls or crashes
// does not disturb the others, and no data of a request stays in the server.
#pragma once

#include <chrono>
#include <functional>

#include "base/log.h"
#include "base/unique_fd.h"
#include "host/unix_socket.h"
#include "roles/helper/bounds.h"

namespace banger::roles::helper {

struct ServerOptions {
  uid_t owner;  ///< only this user and root are served
  /// After this time a handler is killed, with all processes that it has started.
  std::chrono::milliseconds deadline = limits::kHelperDeadline + limits::kHelperRequestDeadline;
  std::size_t connections = limits::kHelperConnections;  ///< at the same time; further ones wait to be accepted
};

/// Runs in the handler's process, and returns the exit code of that process.
using Handle = std::function<int(UniqueFd socket, const host::Peer& peer)>;

/// Serves until `stop_fd` is readable, then waits until all handlers have ended or reached their deadline. REQUIRES:
/// this process has no other threads.
Result<> serve(const ServerOptions& options, const Logger& log, UniqueFd listener, int stop_fd, const Handle& handle);

}  // namespace banger::roles::helper

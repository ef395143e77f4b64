// Accepts the root helper's connections and gives each to a process of its own, so that one that stalls, crashes or is
// cut off is nobody else's trouble, and nothing of a request stays behind in the server.
#pragma once

#include <chrono>
#include <functional>

#include "base/bounds.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "host/unix_socket.h"

namespace banger::roles::helper {

struct ServerOptions {
  uid_t owner;  ///< with root the only peer that is listened to
  std::chrono::milliseconds deadline =
      limits::kHelperDeadline + limits::kHelperRequestDeadline;  ///< then a handler and what it started is killed
  std::size_t connections = limits::kHelperConnections;          ///< at once; others wait to be accepted
};

/// Runs in the handler's process, whose exit code it gives.
using Handle = std::function<int(UniqueFd socket, const host::Peer& peer)>;

/// Serves until `stop_fd` is readable; handlers that run then get to their end or their deadline. REQUIRES: no other
/// threads.
Result<> serve(const ServerOptions& options, const Logger& log, UniqueFd listener, int stop_fd, const Handle& handle);

}  // namespace banger::roles::helper

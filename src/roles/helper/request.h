// One connection of the root helper, from its first byte to its reply, in a process of its own.
#pragma once

#include <chrono>
#include <string>

#include "base/log.h"
#include "base/unique_fd.h"
#include "capabilities/privileged.h"
#include "host/unix_socket.h"
#include "roles/helper/turn.h"

namespace banger::roles::helper {

struct HandlerContext {
  const capabilities::PrivilegedTable& table;
  const capabilities::PrivilegedContext& privileged;
  const Turn& turn;
  std::chrono::milliseconds request_deadline;
};

/// Reads one request, does it, replies, and writes its audit line. Gives the process's exit code. Blocking: the server
/// ends it when it takes too long. From the moment the operation is known it has that operation's powers only.
int handle_request(const HandlerContext& context, UniqueFd socket, const host::Peer& peer);

}  // namespace banger::roles::helper

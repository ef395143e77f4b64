// One connection of the root helper, from its first byte to its reply, in a process of its own.
#pragma once

#include <chrono>
#include <string>

#include "base/log.h"
#include "base/unique_fd.h"
#include "capabilities/privileged.h"
#include "host/unix_socket.h"
#include "roles/helper/operation_lock.h"

namespace banger::roles::helper {

struct HandlerContext {
  const capabilities::PrivilegedTable& table;
  const capabilities::PrivilegedContext& privileged;
  const OperationLock& lock;
  std::chrono::milliseconds request_deadline;
};

/// Reads one request, runs its operation, replies, and writes the line of the audit log. Returns the exit code of this
/// process. The function blocks, and the server kills the process after a deadline. Once the operation is known, the
/// process keeps only the powers of that operation.
int handle_request(const HandlerContext& context, UniqueFd socket, const host::Peer& peer);

}  // namespace banger::roles::helper

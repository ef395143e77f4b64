// Whether a guest listens on a port, asked before a connection. A connection would show the same, but servers of SSH
// log and count connections that end at once.
#pragma once

#include "engine/vm/parts.h"
#include "host/runtime.h"

namespace banger::engine {

/// Waits until the guest listens on a TCP port. False when it has booted, and a moment later still does not listen.
/// Errors: `cancelled`, and those of AgentLink::client().
Task<Result<bool>> wait_for_listener(const VmParts& vm, std::uint16_t port, host::Cancel& cancel);

}  // namespace banger::engine

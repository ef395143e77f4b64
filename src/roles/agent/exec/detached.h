// Commands that are left to themselves.
#pragma once

#include "host/child.h"
#include "roles/agent/context.h"

namespace banger::roles::agent {

/// Waits for the end of a command without a client, and reaps the command. The command outlives the agent. `main`: it
/// is the image's main command, which gets the image's stop signal when the guest ends.
Task<> wait_for_end(ContextPtr context, host::Child child, bool main);

}  // namespace banger::roles::agent

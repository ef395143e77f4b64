// Waiting for the end of the guest's boot.
#pragma once

#include "roles/agent/context.h"

namespace banger::roles::agent {

/// Returns when the guest has booted and no configuration is settling, or at the deadline.
Task<Result<>> wait_for_system(ContextPtr context, host::Deadline deadline);

}  // namespace banger::roles::agent

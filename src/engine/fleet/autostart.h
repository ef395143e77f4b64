// VMs that run whenever the daemon does (Spec::autostart).
#pragma once

#include "engine/fleet/registry.h"

namespace banger::engine {

/// Starts those VMs that are stopped, and resumes those that are suspended, all at the same time. A failure is logged.
/// Call this once, after the recovery of all VMs.
void start_automatically(Services& services, const VmRegistry& vms);

}  // namespace banger::engine

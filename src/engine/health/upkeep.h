// What the daemon does for machines now and then: it reads what they count, keeps their logs from growing for ever,
// ends those that nobody uses, and releases what those before it left.
#pragma once

#include "engine/fleet/registry.h"

namespace banger::engine {

/// Reads the metrics of every machine each `metrics_poll_interval`, for as long as the daemon serves. 0: never.
Task<> poll_metrics(Services& services, const VmRegistry& vms);

/// Looks at the logs of every machine each limits::kLogLook, for as long as the daemon serves.
Task<> bound_logs(Services& services, const VmRegistry& vms);

/// Stops or suspends VMs that nobody used for `auto_stop_stale_after`: once, and for as long as the daemon serves.
Task<> stop_stale_once(Services& services, const VmRegistry& vms);
Task<> stop_stale(Services& services, const VmRegistry& vms);

/// Releases what VMs that do not run still hold of the host. After the VMs were recovered.
Task<> release_left(Services& services, const VmRegistry& vms);

}  // namespace banger::engine

// Periodic work for machines: reads their metrics, bounds their logs and ends unused machines. Also releases host
// resources that an earlier daemon left behind.
#pragma once

#include "engine/fleet/registry.h"

namespace banger::engine {

/// Reads the metrics of every machine each `metrics_poll_interval` until the daemon ends. 0: never.
Task<> poll_metrics(Services& services, const VmRegistry& vms);

/// Bounds the daemon's own log and those of every machine.
Task<> bound_logs_once(Services& services, const VmRegistry& vms);
/// The same each limits::kLogCheckInterval until the daemon ends.
Task<> bound_logs(Services& services, const VmRegistry& vms);

/// Looks after the guests that stand still, each limits::kAttentionInterval until the daemon ends
/// (VmOwner::look_after). Also keeps the store's reserve for a full disk.
Task<> look_after_guests(Services& services, const VmRegistry& vms);

/// Stops or suspends VMs that were unused for `auto_stop_stale_after`: once, or until the daemon ends.
Task<> stop_stale_once(Services& services, const VmRegistry& vms);
Task<> stop_stale(Services& services, const VmRegistry& vms);

/// Releases host resources of VMs that do not run. Call this after the recovery of all VMs.
Task<> release_leftovers(Services& services, const VmRegistry& vms);

/// Removes what killed processes left: unfinished images and kernels of the daemon before, and stages of downloads.
/// Call this before the first client.
Task<> remove_unfinished(Services& services);

}  // namespace banger::engine

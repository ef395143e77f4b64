// What the daemon does for machines that run, now and then: it reads what they count, and keeps their logs from growing
// for ever.
#pragma once

#include "engine/fleet/manager.h"

namespace banger::engine {

/// Reads the metrics of every machine each `metrics_poll_interval`, for as long as the daemon serves. 0: never.
Task<> poll_metrics(Services& services, VmManager& vms);

/// Looks at the logs of every machine each limits::kLogLook, for as long as the daemon serves.
Task<> bound_logs(Services& services, VmManager& vms);

}  // namespace banger::engine

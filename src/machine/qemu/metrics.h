// QEMU's counts of its guest's disks. Over QMP, QEMU has no counts of networks and processors.
#pragma once

#include "machine/metrics.h"

namespace banger::machine::qemu {

/// The sums over all drives, from the result of query-blockstats. Malformed values count as nothing. Pure.
MachineMetrics metrics_of(const Json& blockstats);

}  // namespace banger::machine::qemu

// What QEMU counts of its guest's disks. It tells nothing of a network or a processor by QMP.
#pragma once

#include "machine/metrics.h"

namespace banger::machine::qemu {

/// From what query-blockstats returned: the sums over all drives. Anything else counts as nothing. Pure.
MachineMetrics metrics_of(const Json& blockstats);

}  // namespace banger::machine::qemu

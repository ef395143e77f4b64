// The limits of all disks of a QEMU together. Its disks are one throttle group, and share each limit. Source: QEMU's
// docs/throttle.txt, qapi/block-core.json (block_set_io_throttle).
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "machine/machine.h"

namespace banger::machine::qemu {

inline constexpr std::string_view kThrottleCommand = "block_set_io_throttle";

/// The arguments of kThrottleCommand, once for each disk in `blocks`, the answer of query-block. A disk without an
/// image or a device is left out.
std::vector<Json> throttles_of(const Json& blocks, const DiskLimits& limits);

}  // namespace banger::machine::qemu

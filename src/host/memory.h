// How much memory this host can still give.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace banger::host {

/// Bytes that new work may take without swapping, as the kernel estimates it. Source: proc(5), MemAvailable.
Result<std::uint64_t> available_memory();

}  // namespace banger::host

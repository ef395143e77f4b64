// The memory that this host can still provide.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace banger::host {

/// Bytes that new work can use without swapping, by the kernel's estimate. Source: proc(5), MemAvailable.
Result<std::uint64_t> available_memory();

}  // namespace banger::host

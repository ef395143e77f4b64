// Bounds on configuration files, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kConfigFileBytes = 1 * kMiB;  ///< one config file; real ones are below 10 KiB
inline constexpr auto kAgentReadyDeadline = 120s;          ///< cold boot under software emulation on a busy host

}  // namespace banger::limits

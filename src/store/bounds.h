// Bounds of the store, each with its reason.
#pragma once

#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

/// Room for SQLite's side files and some dozen changes: the end of every VM of a busy owner.
inline constexpr std::uint64_t kReserveBytes = 512 * kKiB;
/// Free space at which the reserve is made again. The smallest VM frees more when it is deleted.
inline constexpr std::uint64_t kReserveFloorBytes = 8 * kMiB;

}  // namespace banger::limits

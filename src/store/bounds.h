// Bounds of the store, each with its reason.
#pragma once

#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

/// Room for SQLite's side files and some dozen changes: the end of every VM of a busy owner.
inline constexpr std::uint64_t kReserveBytes = 512 * kKiB;
/// Free space at which the reserve is made again. Below, the room is for guests that wait for it.
inline constexpr std::uint64_t kReserveFloorBytes = 128 * kMiB;

}  // namespace banger::limits

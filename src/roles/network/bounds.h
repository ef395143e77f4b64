// Bounds of the network keeper, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kServerAnswerBytes = 4 * kKiB;  ///< "ok", or one sentence
inline constexpr auto kWayOutPause = 1s;       ///< before pasta starts again; a host without a network ends it at once
inline constexpr auto kWayOutLongPause = 10s;  ///< after several ends in a row
inline constexpr int kWayOutShortPauses = 5;   ///< ends in a row with the short pause
inline constexpr auto kWayOutStable = 30s;     ///< pasta has run so long: the next end is the first one again

}  // namespace banger::limits

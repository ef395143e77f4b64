// Bounds of a guest config, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kGuestConfigBytes = 64 * kMiB;  ///< files carried in a guest config
inline constexpr std::size_t kGuestConfigItems = 4096;  ///< entries in each list of a guest config; real ones have tens

}  // namespace banger::limits

// The root helper's own bounds, each with its reason. Bounds that the daemon shares are in base/bounds.h.
#pragma once

#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kHelperConnections = 16;       ///< at once; each has a process of its own
inline constexpr std::size_t kHelperAuditBytes = 1 * kKiB;  ///< of a request's arguments, in one line of the log
inline constexpr std::size_t kHelperNameBytes = 64;         ///< of an operation's name there; real ones are below 24

}  // namespace banger::limits

// Bounds of sessions that the agent and the daemon share, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kSessionNameBytes = 63;  ///< as the name of a VM
inline constexpr std::size_t kRequiredCommands = 64;  ///< of one session; a script that needs more checks for itself
inline constexpr std::size_t kSessionInputBytes = 512 * kKiB;  ///< of one request that sends input to a session
/// SIGTERM → SIGKILL, as container engines wait.
inline constexpr std::chrono::milliseconds kSessionStopGrace = 10s;
inline constexpr std::size_t kSessionReasonBytes = 512;  ///< why a session has failed or was lost; one sentence

}  // namespace banger::limits

// Bounds on starting a daemon, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>

namespace banger::limits {

inline constexpr auto kDaemonStartDeadline = std::chrono::seconds(10);  ///< recovery takes up to 3 s, then it listens
/// Another daemon that holds the instance lock may be about to listen, or about to end.
inline constexpr auto kOtherDaemonGrace = std::chrono::milliseconds(300);
inline constexpr auto kStartRetry = std::chrono::milliseconds(10);  ///< fast for a person, and costs little
inline constexpr std::size_t kReadyMessageBytes = 4096;             ///< "ok", or one sentence that says why not

}  // namespace banger::limits

// Bounds of the gate, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kGatedGuests = 1024;  ///< a bridge has at most so many ports
/// Connections of one guest at once; further ones are closed. Browsers and builds open some hundred.
inline constexpr std::size_t kGateConnections = 1024;
inline constexpr std::size_t kGateConnectionsOfAll = 4096;  ///< each has two descriptors, of 16,384
inline constexpr auto kFirstWordsPatience = 20s;  ///< for a whole ClientHello or request head, once it has begun
inline constexpr auto kOutsidePatience = 30s;     ///< for a connection to a host outside; kernels wait for two minutes
inline constexpr auto kLastWordPatience = 3s;     ///< for a guest to close after a refusal in words
inline constexpr auto kTunnelPatience = 130s;     ///< for a tunnel through the host's proxy; its relay waits for 120 s
inline constexpr std::size_t kTunnelAnswerBytes = 16 * kKiB;  ///< the relay's answer, a sentence and a few fields
inline constexpr auto kRefusalPatience = 30s;                 ///< of a daemon that waits for the next refusal
inline constexpr std::size_t kRefusals = 1000;                ///< that the daemon has not asked for yet; the oldest go
inline constexpr std::size_t kGateLogBytes = 512 * kKiB;      ///< of rows in one answer; one line of RPC has 1 MiB
inline constexpr auto kAnswerPause = 100ms;      ///< for the answer to "end", which the daemon does not need
inline constexpr auto kLogPace = 1s;             ///< between two updates of the bytes of one connection
inline constexpr std::size_t kGateOptions = 16;  ///< the daemon gives eleven

}  // namespace banger::limits

// Bounds of the local RPC, at both ends, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

/// Concurrent calls per connection, so that a client cannot pile up coroutines.
inline constexpr std::size_t kRpcInFlight = 64;
/// Per daemon; each costs a descriptor and a buffer. With few descriptors, half of these are for connections.
inline constexpr std::size_t kRpcConnections = 256;
inline constexpr std::size_t kRpcCostlyCalls = 2;  ///< at once; the pool for blocking work has two threads
/// Lines of one connection that are read in a row, before other connections have their turn.
inline constexpr int kRpcLinesInRow = 16;
inline constexpr std::size_t kRpcIdBytes = 128;  ///< a call's string id, which every answer and progress line repeats
/// Unsent answers at which the daemon stops reading a connection.
inline constexpr std::size_t kRpcQueueBytes = 256 * kKiB;
inline constexpr std::size_t kRpcProgressQueued = 32;  ///< unsent progress lines per connection; later ones are dropped
/// Stage and detail of a progress line, each; longer texts are cut.
inline constexpr std::size_t kRpcProgressBytes = 4 * kKiB;
/// One read of a connection or raw stream; also the most that is held for a stream.
inline constexpr std::size_t kRpcReadBytes = 64 * kKiB;
inline constexpr auto kRpcAcceptPause = 100ms;  ///< after a failed accept, so that the loop does not spin

}  // namespace banger::limits

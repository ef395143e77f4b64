// Bounds of the capabilities' work on the host, each with its reason.
#pragma once

#include <chrono>

namespace banger::limits {

using namespace std::chrono_literals;

// -- bridge
/// between attempts to remove taps and an idle bridge, and to make taps ready
inline constexpr auto kBridgeUpkeepInterval = 30s;
inline constexpr auto kBridgeCloseDeadline = 5s;  ///< for an operation under way when the daemon ends

}  // namespace banger::limits

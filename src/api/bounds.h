// Bounds on the parameters of methods, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <cstdint>

namespace banger::limits {

inline constexpr std::int64_t kForkCount = 64;  ///< children of one fork; each needs memory and a machine of its own
inline constexpr std::int64_t kStopTimeoutMs = 3'600'000;  ///< of vm.stop: an hour is more than any guest needs
inline constexpr std::int64_t kStatsAgeMs = 86'400'000;    ///< of vm.stats: older figures say nothing about today
inline constexpr std::int64_t kStatsTimeoutMs = 600'000;   ///< of vm.stats: a guest answers in milliseconds
inline constexpr std::int64_t kPortsTimeoutMs = 600'000;   ///< of vm.ports: a guest answers in milliseconds
inline constexpr std::int64_t kEventsSinceMs = 366ll * 86'400'000;  ///< of vm.events: the daemon keeps far less
inline constexpr std::int64_t kScrollbackMostBytes = 16 << 20;      ///< of vm.session.attach: a log has no more

}  // namespace banger::limits

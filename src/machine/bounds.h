// Bounds on what VMMs write beside their guests, each with its reason; those of all other input are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>

namespace banger::limits {

inline constexpr std::size_t kLogBytes = std::size_t{8}
                                         << 20;  ///< what a log may take up on disk before its beginning goes
inline constexpr std::size_t kLogKeptBytes = std::size_t{2}
                                             << 20;        ///< of its end; `vm logs` shows half of it by itself
inline constexpr auto kLogLook = std::chrono::seconds(5);  ///< a guest fills a serial port by less than 1 MiB a second
inline constexpr std::size_t kMetricsReadBytes =
    std::size_t{4} << 20;  ///< of a metrics file at once; one hour has 1 MiB, what is older is skipped
inline constexpr std::size_t kMetricsLineBytes = std::size_t{256}
                                                 << 10;  ///< of one line; a machine with 20 devices writes 30 KiB
inline constexpr std::size_t kMetricsSumsBytes = std::size_t{64} << 10;  ///< what we keep of them; 1 KiB
inline constexpr auto kMetricsPollFloor = std::chrono::seconds(1);       ///< however short an interval is configured

}  // namespace banger::limits

// Bounds on the files that VMMs write, each with its reason. Bounds on all other input are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace banger::limits {

/// disk space of a log before its beginning is removed
inline constexpr std::size_t kLogBytes = std::size_t{8} << 20;
/// size of the end that is kept; `vm logs` shows its second half by default
inline constexpr std::size_t kLogKeptBytes = std::size_t{2} << 20;
inline constexpr auto kLogLook = std::chrono::seconds(5);  ///< a guest fills a serial port by less than 1 MiB a second
/// read from a metrics file at once; one hour has 1 MiB, and older lines are skipped
inline constexpr std::size_t kMetricsReadBytes = std::size_t{4} << 20;
/// size of one line; a machine with 20 devices writes 30 KiB
inline constexpr std::size_t kMetricsLineBytes = std::size_t{256} << 10;
/// size of the file with the sums; it has 1 KiB
inline constexpr std::size_t kMetricsSumsBytes = std::size_t{64} << 10;
/// processor time of the KVM probe's QEMU: more than its deadline allows a working one on two processors
inline constexpr std::uint32_t kKvmProbeCpuSeconds = 20;
inline constexpr auto kMetricsPollFloor = std::chrono::seconds(1);  ///< the shortest interval, whatever the config says

}  // namespace banger::limits

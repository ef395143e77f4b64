// Bounds of both VMM drivers, each with its reason. A VMM is ours, but its guest may shape what it writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- processes
inline constexpr auto kVmmProbeDeadline = 10s;         ///< one question to a VMM's binary; 15 ms when warm
inline constexpr auto kMachineKillDeadline = 10s;      ///< from SIGKILL to the end; long only in a stuck kernel
inline constexpr auto kVmmDyingGrace = 1s;             ///< a VMM that fails closes its socket just before it ends
inline constexpr auto kOutOfDescriptorsPause = 500ms;  ///< until the next attempt to wait for a VMM
inline constexpr std::size_t kVmmMessageBytes = 500;   ///< kept of a VMM's error message; real ones have one line
inline constexpr std::size_t kMachineLogTailBytes = 64 * kKiB;  ///< end of machine.log that is searched for an error
inline constexpr std::size_t kLastWordsLines = 3;               ///< lines of it in an error
inline constexpr std::size_t kLastWordsLineBytes = 400;         ///< length of each of these lines
inline constexpr std::size_t kHaltLineBytes = 512;              ///< end of the console with the last line of a kernel
inline constexpr std::size_t kPanicTailBytes = 64 * kKiB;       ///< end of the console with a panic and its traces

// -- KVM probe
inline constexpr auto kKvmProbeDeadline = 5s;  ///< a working KVM reaches /init in well under a second
/// processor time of the probe's VMM: more than a working one can use before the deadline
inline constexpr std::uint32_t kKvmProbeCpuSeconds = 20;

// -- memory
inline constexpr std::size_t kMapsFileBytes = 4 * kMiB;     ///< /proc/PID/maps; a VMM has 30 KiB
inline constexpr std::size_t kMemoryPieceBytes = 4 * kMiB;  ///< memory or file that is read at once
/// A block of zeros that becomes a hole. The size finds most zeros, and makes few extents.
inline constexpr std::size_t kHoleBytes = 64 * kKiB;
inline constexpr std::size_t kPagemapEntries = 128 * 1024;  ///< read at once: 1 MiB, for 512 MiB of memory

// -- logs
inline constexpr std::size_t kLogBytes = 8 * kMiB;      ///< disk space of a log before its beginning is removed
inline constexpr std::size_t kLogKeptBytes = 2 * kMiB;  ///< end that is kept; `vm logs` shows half of that by default
inline constexpr auto kLogCheckInterval = 5s;           ///< a guest writes less than 1 MiB a second to a serial port

// -- metrics
inline constexpr std::size_t kMetricsReadBytes =
    4 * kMiB;  ///< read at once; one hour has 1 MiB, older lines are skipped
inline constexpr std::size_t kMetricsLineBytes = 256 * kKiB;  ///< one line; a machine with 20 devices writes 30 KiB
inline constexpr std::size_t kMetricsSumsBytes = 64 * kKiB;   ///< the file with the sums; it has 1 KiB
inline constexpr auto kMetricsPollFloor = 1s;                 ///< the shortest interval, whatever the config says

}  // namespace banger::limits

// Bounds of src/host, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- processes
inline constexpr std::uint64_t kDescriptorsNeeded = 8192;  ///< 1024 is too few: forwards and clients may have 512
inline constexpr std::uint64_t kProcessesNeeded = 4096;    ///< threads count too; a VMM has some tens
inline constexpr std::size_t kSpawnFds = 16;  ///< extra descriptors of a child, which must not allocate memory
inline constexpr std::size_t kProcessArgumentsBytes = 1 * kMiB;  ///< one /proc/PID/cmdline; Linux allows 2 MiB
inline constexpr std::size_t kCommandErrorBytes = 64 * kKiB;     ///< kept of a command's stderr: its end has the error
inline constexpr auto kCommandDrainDeadline = 1s;           ///< for the last output, if grandchildren hold the pipes
inline constexpr auto kKilledDrainDeadline = 50ms;          ///< the same for a killed command: only buffered output
inline constexpr std::size_t kToolStdoutBytes = 64 * kKiB;  ///< kept of a short tool's output; real ones have 1 KiB
inline constexpr std::size_t kCgroupFileBytes = 64 * kKiB;  ///< one control file; real ones are below 1 KiB
inline constexpr auto kCgroupEndPoll = 10ms;                ///< a killed process leaves its group within milliseconds
inline constexpr std::size_t kMountsFileBytes = 4 * kMiB;   ///< hosts with thousands of containers have as many mounts
inline constexpr std::size_t kUserFileBytes = 1 * kMiB;     ///< /etc/passwd and /etc/group, read for every exec

// -- files and sockets
inline constexpr int kOpenBeneathAttempts = 16;              ///< a rename anywhere can make openat2 fail with EAGAIN
inline constexpr std::size_t kRecordBytes = 2 * kPathBytes;  ///< one record; an upload's has two paths
inline constexpr std::size_t kPassedFds = 16;            ///< descriptors in one message; the kernel's own limit is 253
inline constexpr std::size_t kLogScanBytes = 64 * kKiB;  ///< one read while lines of a log are counted
inline constexpr std::size_t kClonePieceBytes = 64 * kMiB;  ///< of a copied file, between two looks for a reason to end
inline constexpr std::size_t kReceiveBytes = 64 * kKiB;     ///< one receive from a socket

// -- devices
inline constexpr int kLoopDeviceAttempts = 64;    ///< other processes take free loop devices too
inline constexpr int kDeviceRemoveAttempts = 40;  ///< 2 s: other processes look at a new device for a moment
inline constexpr auto kDeviceRemovePause = 50ms;  ///< between these attempts

// -- foreground
inline constexpr auto kForegroundQuiet = 500ms;  ///< without a call, before work in the background begins

}  // namespace banger::limits

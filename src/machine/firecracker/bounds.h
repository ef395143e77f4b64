// Bounds of the Firecracker driver and its jails, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- API
inline constexpr std::size_t kFirecrackerHeadBytes = 8 * kKiB;  ///< head of one answer; real ones are below 200 bytes
inline constexpr std::size_t kFirecrackerBodyBytes = 1 * kMiB;  ///< body of one answer; the largest has a few KiB
inline constexpr std::size_t kFirecrackerRequestBytes = 51200;  ///< Firecracker's own limit on a request's body
inline constexpr std::size_t kFirecrackerLineBytes = 1024;      ///< Firecracker's own limit on each line of a head
inline constexpr auto kFirecrackerUpDeadline = 20s;       ///< start to answer; 12 ms, but a swapping host is slower
inline constexpr auto kFirecrackerUpPoll = 2ms;           ///< between attempts to reach a new API
inline constexpr auto kFirecrackerReplyDeadline = 35s;    ///< Firecracker itself waits 30 s for a stuck processor
inline constexpr auto kFirecrackerMemoryDeadline = 300s;  ///< writing all of a guest's memory to a slow disk
inline constexpr std::uint32_t kFirecrackerVcpus = 32;    ///< Firecracker's own maximum
inline constexpr std::size_t kFirecrackerCmdlineBytes = 1536;  ///< of 2048; Firecracker itself adds up to 17 devices

// -- vsock
inline constexpr std::size_t kVsockReplyBytes = 32;  ///< "OK 4294967295\n" has 14
inline constexpr auto kVsockReplyDeadline = 3s;      ///< Firecracker gives up after 2 s
inline constexpr auto kVsockListenDeadline = 1s;     ///< for a guest to listen; then the caller decides
inline constexpr auto kVsockListenPoll = 20ms;       ///< between attempts to connect to a guest that boots

// -- jails
inline constexpr std::size_t kJailFiles = 32;                              ///< of each kind; a VM has a handful
inline constexpr std::uint64_t kJailMemoryBytes = std::uint64_t{1} << 46;  ///< memory of a guest; no host has more
inline constexpr std::uint64_t kVmmMemoryBytes = 128 * kMiB;  ///< Firecracker's own, beside its guest's; it uses 5 MiB
inline constexpr std::uint32_t kVmmTasks = 16;                ///< threads beside the guest's processors; there are two
inline constexpr auto kJailUpDeadline = 15s;  ///< the jailer needs 10 ms, but far longer on a host with many mounts
inline constexpr auto kJailUpPoll = 2ms;      ///< between looks for the Firecracker that the jailer has started
inline constexpr auto kJailEndDeadline = 5s;  ///< from the kill to the end; freeing some GiB of memory takes a second

}  // namespace banger::limits

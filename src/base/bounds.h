// Bounds that several folders share, each with its reason. Every other bound is in the bounds.h of its folder.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace banger::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// -- local RPC (docs/rpc.md)
inline constexpr std::size_t kRpcMessageBytes = 1 * kMiB;  ///< one JSON-RPC line; larger things are streams
inline constexpr int kJsonDepth = 32;  ///< nested arrays and objects; banger's own JSON has at most 8

// -- root helper (docs/privileges.md)
inline constexpr std::size_t kHelperMessageBytes = 64 * kKiB;  ///< one request or reply; real ones are below 1 KiB
/// Connected → request complete; also for the client to read the reply.
inline constexpr auto kHelperRequestDeadline = 5s;
inline constexpr auto kHelperDeadline = 30s;       ///< a whole request; nft takes 10 ms, and far longer on a busy host
inline constexpr auto kHelperReplyDeadline = 40s;  ///< how long the client waits: longer than the helper's own deadline

// -- exec
inline constexpr std::size_t kExecArgs = 4096;  ///< argv and env entries each

// -- lifecycle
inline constexpr auto kStopDeadline = 30s;  ///< for the guest's init to end before the machine is killed
/// A restored guest answers in 0.1 s; one that is silent for so long never answers.
inline constexpr auto kRestoreDeadline = 30s;
/// Giving a restored guest its identity takes 20 ms, without its first-boot commands.
inline constexpr auto kConfigureDeadline = 60s;
inline constexpr auto kHoldDeadline = 10s;                     ///< for the agent to prepare its guest for a save
inline constexpr std::uint64_t kVmmOverheadBytes = 64 * kMiB;  ///< what a VMM needs in addition to its guest's memory
inline constexpr std::uint32_t kMaxVcpus = 64;                 ///< more than a disposable VM needs
inline constexpr std::uint64_t kMaxDiskBytes = 16 * 1024 * kGiB;  ///< 2^32 blocks of 4 KiB

// -- files we parse
inline constexpr std::size_t kPathBytes = 4096;  ///< PATH_MAX of Linux

/// The set of listening ports as text; kPortRows rows need half as much.
inline constexpr std::size_t kListeningLineBytes = 64 * kKiB;

// -- names and forwards (every process on this host may connect)
inline constexpr auto kDnsRetry = 30s;                        ///< before a port that was in use is tried again
inline constexpr std::size_t kForwardPorts = 32;              ///< of one VM; each costs a descriptor
inline constexpr std::size_t kForwardPortsInAll = 256;        ///< of all VMs; each costs a descriptor
inline constexpr std::size_t kForwardConnections = 64;        ///< of one VM at once; each is a stream of its link
inline constexpr std::size_t kForwardConnectionsInAll = 256;  ///< each costs a descriptor and buffers
/// After a VM's start, before its ports are read; the guest is busy until then.
inline constexpr auto kForwardSettle = 2s;
/// Least time between two updates from a guest, however fast it sends them.
inline constexpr auto kForwardPause = 500ms;
inline constexpr auto kForwardHalfOpen = 300s;  ///< time without a byte after which a half-closed connection is closed

}  // namespace banger::limits

// Every bound on input we do not control, in one place, each with its reason.
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
inline constexpr std::size_t kRpcMessageBytes = 1 * kMiB;   ///< one JSON-RPC line; larger things are streams
inline constexpr std::size_t kRpcInFlight = 64;             ///< concurrent calls per connection, so a client cannot hoard coroutines
inline constexpr std::size_t kRpcConnections = 256;         ///< per daemon; each costs a descriptor and a buffer
inline constexpr int kJsonDepth = 32;                       ///< nesting; nothing of ours needs more than 8

// -- link to the guest (hostile)
inline constexpr std::size_t kLinkFrameBytes = 64 * kKiB;        ///< one exec frame's payload
inline constexpr std::size_t kLinkJsonBytes = 1 * kMiB;          ///< a JSON body from the guest (stats, ports, health)
inline constexpr std::size_t kLinkStreams = 256;                 ///< concurrent HTTP/2 streams per link
inline constexpr std::size_t kLinkStreamWindowBytes = 1 * kMiB;  ///< HTTP/2 flow-control window per stream
inline constexpr std::size_t kLinkConnectionWindowBytes = 4 * kMiB;
inline constexpr auto kLinkSyncRetry = 250ms;                    ///< hello is repeated until answered
inline constexpr auto kLinkRequestDeadline = 30s;                ///< head of a response to a short request

// -- exec
inline constexpr std::size_t kExecArgs = 4096;             ///< argv and env entries each
inline constexpr std::size_t kExecArgBytes = 128 * kKiB;   ///< MAX_ARG_STRLEN of Linux

// -- lifecycle
inline constexpr auto kAgentReadyDeadline = 120s;   ///< cold boot under software emulation on a busy host
inline constexpr auto kStopDeadline = 30s;          ///< the guest's init gets this long before it is forced
inline constexpr auto kKvmProbeDeadline = 5s;       ///< a working KVM reaches /init in well under a second
inline constexpr std::size_t kVmNameBytes = 63;
inline constexpr std::uint32_t kMaxVcpus = 64;
inline constexpr std::uint64_t kMinMemoryBytes = 64 * kMiB;
inline constexpr std::uint64_t kMinDiskBytes = 64 * kMiB;
inline constexpr std::uint64_t kMaxDiskBytes = 16 * 1024 * kGiB;

// -- files we parse
inline constexpr std::size_t kConfigFileBytes = 1 * kMiB;
inline constexpr std::size_t kGuestConfigBytes = 64 * kMiB;      ///< files carried in a guest config
inline constexpr std::size_t kKernelImageBytes = 512 * kMiB;     ///< an unpacked vmlinux
inline constexpr std::size_t kArchiveEntries = 4'000'000;        ///< entries in one root file system
inline constexpr std::uint64_t kRootfsBytes = 64 * kGiB;         ///< content of one root file system
inline constexpr std::size_t kPathBytes = 4096;

}  // namespace banger::limits

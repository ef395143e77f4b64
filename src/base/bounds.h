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

// -- what Linux passes to a new program (execve(2))
inline constexpr std::size_t kExecStringBytes = 128 * kKiB - 1;  ///< an argument or NAME=VALUE: MAX_ARG_STRLEN, no NUL
inline constexpr std::size_t kExecBytes = 2 * kMiB;  ///< all of them: a quarter of the usual stack, which is 8 MiB

// -- lifecycle
inline constexpr std::uint32_t kMaxVcpus = 64;                    ///< more than a disposable VM needs
inline constexpr std::uint64_t kMaxDiskBytes = 16 * 1024 * kGiB;  ///< 2^32 blocks of 4 KiB

// -- files we parse
inline constexpr std::size_t kPathBytes = 4096;  ///< PATH_MAX of Linux

// -- names and forwards
inline constexpr std::size_t kForwardConnections =
    64;  ///< of one VM at once; each is a stream of its link, and later ones wait

}  // namespace banger::limits

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
inline constexpr std::size_t kHelperConnections = 16;          ///< at once; each gets a process of its own
/// Connected → request complete; also for the client to read the reply.
inline constexpr auto kHelperRequestDeadline = 5s;
inline constexpr auto kHelperDeadline = 30s;       ///< a whole request; nft takes 10 ms, and far longer on a busy host
inline constexpr auto kHelperReplyDeadline = 40s;  ///< how long the client waits: longer than the helper's own deadline
inline constexpr std::size_t kHelperAuditBytes = 1 * kKiB;  ///< of a request's arguments in its audit line

// -- exec
inline constexpr std::size_t kExecArgs = 4096;  ///< argv and env entries each

// -- lifecycle
inline constexpr auto kStopDeadline = 30s;     ///< for the guest's init to end before the machine is killed
inline constexpr auto kKvmProbeDeadline = 5s;  ///< a working KVM reaches /init in well under a second
/// A restored guest answers in 0.1 s; one that is silent for so long never answers.
inline constexpr auto kRestoreDeadline = 30s;
/// Giving a restored guest its identity takes 20 ms, without its first-boot commands.
inline constexpr auto kConfigureDeadline = 60s;
inline constexpr auto kHoldDeadline = 10s;       ///< for the agent to prepare its guest for a save
inline constexpr std::uint32_t kForkCount = 64;  ///< children of one fork call
inline constexpr auto kPoolCalm = 500ms;  ///< time without a call from any client before the ready pool is filled
inline constexpr std::uint64_t kVmmOverheadBytes = 64 * kMiB;  ///< what a VMM needs in addition to its guest's memory
inline constexpr std::uint32_t kMaxVcpus = 64;                 ///< more than a disposable VM needs
/// With less free space, a guest's first writes would fail.
inline constexpr std::uint64_t kMinFreeDiskBytes = 256 * kMiB;
inline constexpr std::uint64_t kMaxDiskBytes = 16 * 1024 * kGiB;  ///< 2^32 blocks of 4 KiB

// -- machines (banger starts the VMM, but the guest may influence what the VMM sends)
inline constexpr std::size_t kQmpLineBytes = 1 * kMiB;  ///< one QMP message; real ones are below 100 KiB
inline constexpr std::size_t kQmpInFlight = 64;  ///< unanswered commands, so that they cannot pile up for a stuck QEMU
inline constexpr auto kQmpGreetingDeadline = 20s;  ///< QEMU start → greeting is 40 ms; a swapping host is slower
inline constexpr auto kQmpReplyDeadline = 5s;      ///< the commands used answer within milliseconds
inline constexpr auto kStateSaveDeadline = 30s;    ///< device state is written in 2 ms; a busy disk is slower
inline constexpr auto kMachineKillDeadline = 10s;  ///< SIGKILL → process gone, which takes long only in a stuck kernel
inline constexpr auto kVmmProbeDeadline = 10s;     ///< one question to a VMM's binary, 15 ms when warm
inline constexpr std::size_t kMachineLogTailBytes = 64 * kKiB;  ///< end of a VMM's stderr that is searched for an error

/// Status line and headers of one answer; real ones are below 200 bytes.
inline constexpr std::size_t kFirecrackerHeadBytes = 8 * kKiB;
/// Body of one answer; the largest, GET /vm/config, has a few KiB.
inline constexpr std::size_t kFirecrackerBodyBytes = 1 * kMiB;
inline constexpr std::size_t kFirecrackerRequestBytes = 51200;  ///< Firecracker's own limit on a request's body
/// Firecracker's own limit on a request's first line and on each header.
inline constexpr std::size_t kFirecrackerLineBytes = 1024;
inline constexpr auto kFirecrackerUpDeadline = 20s;       ///< start → API answers is 12 ms; a swapping host is slower
inline constexpr auto kFirecrackerReplyDeadline = 35s;    ///< Firecracker itself waits 30 s for a stuck processor
inline constexpr auto kFirecrackerMemoryDeadline = 300s;  ///< writing all of a guest's memory to a slow disk
inline constexpr std::size_t kVsockReplyBytes = 32;       ///< "OK 4294967295\n" has 14
inline constexpr auto kVsockReplyDeadline = 3s;           ///< Firecracker gives up after 2 s
inline constexpr auto kVsockPatience = 1s;  ///< for a guest to listen, before the caller decides whether to try again

// -- files we parse
inline constexpr std::size_t kPathBytes = 4096;  ///< PATH_MAX of Linux

// -- the guest agent (trusts its host, but runs in a small guest)
inline constexpr std::size_t kUserFileBytes = 1 * kMiB;  ///< /etc/passwd and /etc/group, read for every exec

/// The set of listening ports as text; kPortRows rows need half as much.
inline constexpr std::size_t kListeningLineBytes = 64 * kKiB;

// -- names and forwards (every process on this host may connect)
inline constexpr std::size_t kDnsMessageBytes = 1232;  ///< largest query that is read; real ones are below 100 bytes
inline constexpr unsigned kDnsBatch = 16;              ///< queries read and answered with one system call each way
inline constexpr int kDnsTcpConnections = 32;          ///< at once; the server closes further ones
inline constexpr auto kDnsTcpIdle = 10s;  ///< for the next query to arrive whole, and for the client to read the answer
inline constexpr auto kDnsRetry = 30s;    ///< before a port that was in use is tried again
inline constexpr std::size_t kForwardPorts = 32;  ///< of one VM; each costs a descriptor
inline constexpr std::size_t kForwardPortsInAll = 256;
inline constexpr std::size_t kForwardConnections = 64;        ///< of one VM at once; each is a stream of its link
inline constexpr std::size_t kForwardConnectionsInAll = 256;  ///< each costs a descriptor and buffers
/// After a VM's start, before its ports are read; the guest is busy until then.
inline constexpr auto kForwardSettle = 2s;
/// Least time between two updates from a guest, however fast it sends them.
inline constexpr auto kForwardPause = 500ms;
inline constexpr auto kForwardHalfOpen = 300s;  ///< time without a byte after which a half-closed connection is closed
inline constexpr std::size_t kTcpReadBytes = 64 * kKiB;  ///< one read of a TCP connection
inline constexpr auto kAcceptPause = 100ms;              ///< after a failed accept, so that the loop does not spin
inline constexpr std::size_t kProbePorts = 32;           ///< ports of one VM that are probed for HTTP
inline constexpr auto kProbeDeadline = 2s;  ///< for one probe; a guest under software emulation answers within 0.2 s
inline constexpr std::size_t kProbeBytes = 16;  ///< part of an answer that is examined

}  // namespace banger::limits

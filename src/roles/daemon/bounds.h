// The daemon's own bounds, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"
#include "link/bounds.h"
#include "link/session_bounds.h"

namespace banger::limits {

// -- the process
/// For work that blocks. Pulls, imports, pushes or images of guests hold one each for minutes, and disks need some too.
inline constexpr std::size_t kPoolThreads = 12;
inline constexpr auto kRecoveryDeadline = std::chrono::seconds(3);  ///< for all VMs together, before the first answer
inline constexpr auto kSocketCheckInterval = std::chrono::seconds(5);  ///< a lost socket is rare, and a check is cheap
inline constexpr auto kShutdownDeadline = std::chrono::seconds(20);    ///< for running calls to undo their work
inline constexpr int kTrimBytes = 64 * 1024;       ///< free memory at the top of the heap that goes to the kernel
inline constexpr std::size_t kStatmBytes = 256;    ///< /proc/self/statm has seven numbers
inline constexpr std::size_t kLockFileBytes = 64;  ///< the instance lock has one pid

// -- calls to the agent
inline constexpr auto kAgentConnectDeadline = std::chrono::seconds(10);  ///< a VM that just started may need a moment
/// The agent connects within its own deadline, and the link takes time too.
inline constexpr auto kTunnelDeadline = kTunnelConnectDeadline + std::chrono::seconds(5);
inline constexpr auto kUnpackDeadline = std::chrono::minutes(10);  ///< the guest may have to write buffered files
inline constexpr std::size_t kGuestTextBytes = 64;                 ///< addresses and names of processes are shorter

// -- vm.ports
inline constexpr auto kForwardDeadline = std::chrono::seconds(3);  ///< a new port is forwarded within two seconds
inline constexpr std::size_t kProbePorts = 32;                     ///< of one VM; each probe is one or two connections
inline constexpr auto kProbeDeadline = std::chrono::seconds(2);    ///< a guest under emulation answers within 0.2 s
inline constexpr std::size_t kProbeBytes = 16;                     ///< the start of an answer shows its protocol
inline constexpr std::size_t kHostNameBytes = 255;                 ///< RFC 1035, for the host of vm.tunnel

// -- vm.egress
inline constexpr std::size_t kEgressLogBytes = 16 * kMiB;    ///< of a gate's answer: 2,000 rows, escaped, have 10 MiB
inline constexpr std::size_t kEgressRowsBytes = 512 * kKiB;  ///< of JSON in one answer, so that it fits into a message
inline constexpr std::size_t kPolicyTextBytes = 8 * kKiB;    ///< a policy can have 16,384 rules, which nobody reads

// -- vm.session.*
/// Most sessions of a VM: the agent allows 256 live ones and keeps 64 ended ones.
inline constexpr std::size_t kSessionRows = 320;
inline constexpr std::size_t kSessionFieldBytes =
    256;                                      ///< of a command, a directory or a user; the agent shortens them
inline constexpr int kSessionNameTries = 20;  ///< of 2,304 names, 256 may be in use
inline constexpr auto kSessionStopSlack = std::chrono::seconds(30);  ///< for SIGKILL and the answer, after the grace

// -- vm.sync with dry_run
inline constexpr std::size_t kPlanBytes = 512 * kKiB;  ///< of the list, so that the answer fits into one message
inline constexpr std::size_t kPlanRowBytes = 80;       ///< of JSON for one file, beside its path

// -- vm.logs
inline constexpr std::int64_t kLogTailBytes = 1 << 20;            ///< of a log, when the client does not say how much
inline constexpr std::size_t kLogReadBytes = 64 * kKiB;           ///< one read of a log
inline constexpr auto kLogPoll = std::chrono::milliseconds(100);  ///< fast enough for a reader, and costs one read

// -- image.prune
inline constexpr std::size_t kPruneFiles = 256;  ///< open at once; a process often may open 1024

// -- image.inspect
inline constexpr std::size_t kInspectBytes = 480 * kKiB;  ///< quoted as JSON it fits into a message; real ones: 10 KiB

// -- image.build_from_vm
/// The guest reads its directories meanwhile; a slow disk under emulation takes seconds for one.
inline constexpr auto kGuestImageSilence = std::chrono::minutes(2);

// -- vm.fork
inline constexpr auto kForkPoll = std::chrono::milliseconds(200);  ///< how soon a cancelled fork is noticed

}  // namespace banger::limits

// Bounds of the engine: limits on what guests and templates may use, deadlines, poll intervals and retry paces. Each
// has its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- starting and ending a VM
inline constexpr auto kRestoreDeadline = 30s;    ///< a restored guest answers in 0.1 s, or else never
inline constexpr auto kConfigureDeadline = 60s;  ///< identity takes 20 ms without first-boot commands
inline constexpr auto kQuiesceDeadline = 90s;    ///< above the agent's own limit for the end of the boot
inline constexpr auto kHoldDeadline = 10s;       ///< the agent prepares a guest for a save
inline constexpr auto kPooledLinkDeadline = 3s;  ///< shortly after a daemon start a pooled machine may have no link yet
inline constexpr auto kStopDeadline = 30s;       ///< the guest's init gets this long before its machine is killed
inline constexpr auto kShutdownRequestDeadline = 5s;  ///< the agent only passes the request on to init
inline constexpr auto kStopRequestRepeat = 5s;        ///< while the agent has not accepted the request
inline constexpr auto kStopPoll = 200ms;              ///< an exit and an abort wake the wait for a shutdown anyway
inline constexpr std::size_t kReboots = 5;            ///< in a row; installers and upgrades reboot once or twice
inline constexpr auto kRebootWindow = 5min;           ///< for so many reboots, which take 2 min under emulation
inline constexpr auto kSavePoll = 30s;                ///< the end of a save wakes its waiters anyway
inline constexpr int kRemoveAttempts = 5;             ///< at a saved state; each VMM that starts from it can spoil one
inline constexpr auto kRemovePause = 100ms;           ///< between them: a VMM that starts opens its files in 10 ms
inline constexpr int kClockRequests = 8;              ///< then a clock that is still wrong is only reported
inline constexpr auto kRecoveryRetry = 5s;            ///< for example, a full disk may have room by then

// -- guests that hang while they boot
/// For each virtual processor, until the agent answers. A boot under emulation needs 3 s.
inline constexpr auto kBootProcessorTime = 30s;
inline constexpr auto kIdleProcessorTime = 100ms;        ///< a VMM whose guest waits for nothing but a timer uses less
inline constexpr auto kIdleBoot = 20s;                   ///< a boot that waits for no disk computes more often
inline constexpr auto kBootLook = 1s;                    ///< how often the processor time is read
inline constexpr std::size_t kProcStatBytes = 4 * kKiB;  ///< /proc/PID/stat has some 300 bytes
inline constexpr int kBootsAgain = 2;  ///< after boots that hang; on a busy host, one of tens of boots does

// -- guests that stand still
inline constexpr auto kAttentionInterval = 5s;   ///< a person who has freed some space waits so long at most
inline constexpr auto kPingInterval = 15s;       ///< without a byte from the guest; a question costs the guest 1 ms
inline constexpr auto kPingDeadline = 10s;       ///< then the guest counts as silent, until its next byte
inline constexpr auto kSilentPingDeadline = 5s;  ///< a request to a silent guest fails then; a slow guest may answer
inline constexpr auto kHaltedPingDeadline = 3s;  ///< a guest that has printed that it halted and does not answer ends
inline constexpr auto kGoOnDeadline = 3s;        ///< a guest that can go on answers in 10 ms, under emulation in 0.2 s
/// Free space at which a guest that met a full disk goes on: enough for a while, and less than the smallest VM frees.
inline constexpr std::uint64_t kGoOnBytes = 64 * kMiB;

// -- the private network
inline constexpr auto kNetworkStartDeadline = 15s;  ///< of the keeper: 20 ms, and far longer on a busy host
inline constexpr auto kNetworkEndDeadline = 5s;     ///< it only ends its two processes
inline constexpr auto kNetworkRetry = 1min;         ///< after a failed start; until then VMs get another network
inline constexpr std::size_t kNetworkAnswerBytes = 4 * kKiB;  ///< "ok", or one sentence
inline constexpr auto kGateAnswerPatience = 10s;       ///< it answers in 1 ms; a stopped one is killed after this
inline constexpr auto kGateRefusalsPatience = 60s;     ///< the gate waits half of it for a refusal
inline constexpr auto kGateSteady = 1min;              ///< a gate that ran that long had no fault from its start
inline constexpr auto kGatePause = 100ms;              ///< for each end in a row, before the gate is started again
inline constexpr auto kLineSendPatience = 5s;          ///< for a server beside the daemon that does not read
inline constexpr std::size_t kNetworkLockBytes = 128;  ///< a pid, or four numbers

// -- secrets
inline constexpr auto kSecretCommandDeadline = 30s;  ///< for the value; some ask a password store over the network
inline constexpr auto kSecretCommandFresh = 1min;    ///< the output for forks, and VMs that start together
inline constexpr std::size_t kAuthorityFileBytes = 16 * kKiB;  ///< of one key, 0.4 KiB
inline constexpr std::size_t kRootCertificates = 256;          ///< kept, one for each set of hosts
/// A list of CAs; hosts have up to 0.6 MiB. Its certificates alone must fit into a message.
inline constexpr std::size_t kTrustedBytes = 4 * kMiB;

// -- the link to an agent
inline constexpr auto kTokenTurn = 3s;                ///< for the first attempt with one of several tokens
inline constexpr auto kAgentPoll = 100ms;             ///< how often a wait checks for a cancel or an ended machine
inline constexpr auto kExitDeadline = 2s;             ///< a guest's link ends a moment before its process
inline constexpr auto kReconnectPause = 200ms;        ///< between attempts while a machine runs without a link
inline constexpr auto kReconnectPoll = 500ms;         ///< a change of the VM wakes the wait for a link anyway
inline constexpr auto kSystemRequestDelay = 2s;       ///< first commands of a restored guest have priority
inline constexpr auto kSystemRequestDeadline = 150s;  ///< the agent answers after 120 s at the latest
inline constexpr auto kSystemRetry = 500ms;           ///< after a failed request for the system's state
inline constexpr auto kStatsLinkDeadline = 10s;       ///< for a link that is reconnecting

// -- all VMs
inline constexpr std::uint64_t kVmmOverheadBytes = 64 * kMiB;  ///< memory that a VMM needs beside its guest's
inline constexpr auto kTemplatePoll = 200ms;                   ///< how often a create that waits checks for a cancel
inline constexpr auto kTemplateRetry = 10min;  ///< after a failed build, which takes minutes of the host's processors
inline constexpr auto kTemplateUnused = std::chrono::days(30);  ///< then a template probably only takes up disk space
inline constexpr auto kPoolPoll = 30s;           ///< idle machines and free memory change slowly; other events wake it
inline constexpr auto kPoolCloseDeadline = 10s;  ///< for a machine that is being made; else the next daemon adopts it
inline constexpr auto kGarbageRecoveryDeadline = 1min;            ///< gc waits for the recovery of all VMs
inline constexpr std::size_t kNamedVms = 5;                       ///< in one sentence; the others are counted
inline constexpr auto kStaleCheckFloor = 1s;                      ///< however short `auto_stop_stale_after` is
inline constexpr auto kStaleCheckCeiling = 1min;                  ///< however long `auto_stop_stale_after` is
inline constexpr std::uint64_t kDiskSpaceNeeded = 1 * kGiB;       ///< doctor fails below; about one VM
inline constexpr std::uint64_t kDiskSpaceRecommended = 5 * kGiB;  ///< doctor warns below; an image build needs 2 GiB

// -- events
inline constexpr std::size_t kEventsKept = 1024;       ///< in memory, some 300 KiB; a busy hour of tens of VMs
inline constexpr std::size_t kEventBatch = 64;         ///< for one write to a client, some 16 KiB
inline constexpr std::size_t kEventDetailBytes = 512;  ///< the longest errors have less

// -- files that become an initramfs
inline constexpr std::size_t kAgentProgramBytes =
    256 * kMiB;  ///< this program; a build with debug information is the largest
inline constexpr std::size_t kEarlyModuleBytes = 64 * kMiB;  ///< one kernel module; the largest ones have 10 MiB

// -- the host
inline constexpr std::size_t kGroupFileBytes = 1 * kMiB;  ///< /etc/group; real ones are below 10 KiB

// -- forwarded ports and names
inline constexpr std::size_t kListeningLineBytes = 64 * kKiB;  ///< a guest's ports as text; 512 rows have half of it
inline constexpr auto kListenerPatience = 5s;   ///< for a boot, before a look at the ports; servers come before its end
inline constexpr auto kListenersSettled = 20s;  ///< after a start; under emulation sshd takes seconds to restart
inline constexpr auto kListenerPause = 500ms;   ///< between two looks; sshd restarts in less
inline constexpr std::size_t kForwardPorts = 32;              ///< of one VM; each costs a descriptor
inline constexpr std::size_t kForwardPortsInAll = 256;        ///< of all VMs; each costs a descriptor
inline constexpr std::size_t kForwardConnectionsInAll = 256;  ///< each costs a descriptor and buffers
inline constexpr std::size_t kPublishedPortsInAll = 256;      ///< of all VMs; each costs a descriptor
inline constexpr auto kPublishRetry = 5s;                     ///< for a port that another program had
inline constexpr auto kForwardSettle = 2s;                    ///< a VM that has just started has more urgent work
inline constexpr auto kForwardPause = 500ms;        ///< between two lists of ports, however fast a guest sends them
inline constexpr auto kForwardFinish = 1min;        ///< for a guest to take the last bytes of a caller that has gone
inline constexpr auto kForwardAgentDeadline = 10s;  ///< for the link, and for the guest's answer to a request
inline constexpr auto kResolverDeadline = 500ms;    ///< a local resolver that knows this server answers within 1 ms
inline constexpr auto kDnsRetry = 30s;              ///< until a port that was in use is tried again

}  // namespace banger::limits

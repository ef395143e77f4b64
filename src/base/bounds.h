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
inline constexpr std::size_t kRpcMessageBytes = 1 * kMiB;  ///< one JSON-RPC line; larger things are streams
inline constexpr std::size_t kRpcInFlight =
    64;  ///< concurrent calls per connection, so that a client cannot pile up coroutines
inline constexpr std::size_t kRpcConnections = 256;  ///< per daemon; each costs a descriptor and a buffer
inline constexpr std::size_t kRpcIdBytes = 128;  ///< a call's string id, which every answer and progress line repeats
inline constexpr std::size_t kRpcQueueBytes =
    256 * kKiB;  ///< unsent answers at which the daemon stops reading a connection
inline constexpr std::size_t kRpcProgressQueued = 32;  ///< unsent progress lines per connection; later ones are dropped
inline constexpr std::size_t kRpcProgressBytes =
    4 * kKiB;  ///< stage and detail of a progress line, each; longer texts are cut
inline constexpr std::size_t kRpcReadBytes =
    64 * kKiB;  ///< one read of a connection or raw stream; also the most that is held for a stream
inline constexpr auto kRpcAcceptPause = 100ms;  ///< after a failed accept, so that the loop does not spin
inline constexpr int kJsonDepth = 32;           ///< nested arrays and objects; banger's own JSON has at most 8

// -- root helper (docs/privileges.md)
inline constexpr std::size_t kHelperMessageBytes = 64 * kKiB;  ///< one request or reply; real ones are below 1 KiB
inline constexpr std::size_t kHelperConnections = 16;          ///< at once; each gets a process of its own
inline constexpr auto kHelperRequestDeadline =
    5s;                                       ///< connected → request complete; also for the client to read the reply
inline constexpr auto kHelperDeadline = 30s;  ///< a whole request; nft takes 10 ms, and far longer on a busy host
inline constexpr auto kHelperReplyDeadline = 40s;  ///< how long the client waits: longer than the helper's own deadline
inline constexpr std::size_t kHelperAuditBytes = 1 * kKiB;  ///< of a request's arguments in its audit line

// -- link to the guest (hostile)
inline constexpr std::size_t kLinkFrameBytes = 64 * kKiB;        ///< one exec frame's payload
inline constexpr std::size_t kLinkJsonBytes = 1 * kMiB;          ///< a JSON body from the guest (stats, ports, health)
inline constexpr std::size_t kLinkStreams = 256;                 ///< concurrent HTTP/2 streams per link
inline constexpr std::size_t kLinkStreamWindowBytes = 1 * kMiB;  ///< HTTP/2 flow-control window per stream
inline constexpr std::size_t kLinkConnectionWindowBytes = 4 * kMiB;
inline constexpr auto kLinkSyncRetry = 250ms;      ///< pause before the host repeats an unanswered hello
inline constexpr auto kLinkRequestDeadline = 30s;  ///< for the head of the response to a short request
inline constexpr std::size_t kLinkHeaderBytes =
    16 * kKiB;  ///< one stream's headers as HTTP/2 counts them; ours are below 1 KiB
inline constexpr std::size_t kLinkContinuations =
    4;  ///< CONTINUATION frames after a HEADERS frame; stops an endless header block
inline constexpr std::size_t kLinkQueueBytes = 256 * kKiB;  ///< unsent bytes of one stream at which its writer waits
inline constexpr std::size_t kLinkReadBytes = 128 * kKiB;   ///< one read of the channel; more gains no throughput
inline constexpr std::size_t kLinkReplyFrames = 4096;  ///< control frames a peer may make us queue without reading any
inline constexpr std::size_t kLinkErrorBytes = 2 * kKiB;  ///< an error text from the guest

// -- exec
inline constexpr std::size_t kExecArgs = 4096;            ///< argv and env entries each
inline constexpr std::size_t kExecArgBytes = 128 * kKiB;  ///< MAX_ARG_STRLEN of Linux

// -- lifecycle
inline constexpr auto kAgentReadyDeadline = 120s;  ///< cold boot under software emulation on a busy host
inline constexpr auto kRunOnceDeadline =
    300s;                                   ///< one first-boot command; package installations under software emulation
inline constexpr auto kStopDeadline = 30s;  ///< for the guest's init to end before the machine is killed
inline constexpr auto kKvmProbeDeadline = 5s;  ///< a working KVM reaches /init in well under a second
inline constexpr auto kRestoreDeadline =
    30s;  ///< a restored guest answers in 0.1 s; one that is silent for so long never answers
inline constexpr auto kConfigureDeadline =
    60s;  ///< giving a restored guest its identity takes 20 ms, without its first-boot commands
inline constexpr auto kHoldDeadline = 10s;       ///< for the agent to prepare its guest for a save
inline constexpr std::uint32_t kForkCount = 64;  ///< children of one fork call
inline constexpr auto kPoolCalm = 500ms;  ///< time without a call from any client before the ready pool is filled
inline constexpr std::uint64_t kVmmOverheadBytes = 64 * kMiB;  ///< what a VMM needs in addition to its guest's memory
inline constexpr std::size_t kVmNameBytes = 63;
inline constexpr std::uint32_t kMaxVcpus = 64;
inline constexpr std::uint64_t kMinMemoryBytes = 64 * kMiB;
inline constexpr std::uint64_t kMinDiskBytes = 64 * kMiB;
inline constexpr std::uint64_t kMinFreeDiskBytes =
    256 * kMiB;  ///< with less free space, a guest's first writes would fail
inline constexpr std::uint64_t kMaxDiskBytes = 16 * 1024 * kGiB;

// -- machines (banger starts the VMM, but the guest may influence what the VMM sends)
inline constexpr std::size_t kQmpLineBytes = 1 * kMiB;  ///< one QMP message; real ones are below 100 KiB
inline constexpr std::size_t kQmpInFlight = 64;  ///< unanswered commands, so that they cannot pile up for a stuck QEMU
inline constexpr auto kQmpGreetingDeadline = 20s;  ///< QEMU start → greeting is 40 ms; a swapping host is slower
inline constexpr auto kQmpReplyDeadline = 5s;      ///< the commands used answer within milliseconds
inline constexpr auto kStateSaveDeadline = 30s;    ///< device state is written in 2 ms; a busy disk is slower
inline constexpr auto kMachineKillDeadline = 10s;  ///< SIGKILL → process gone, which takes long only in a stuck kernel
inline constexpr auto kVmmProbeDeadline = 10s;     ///< one question to a VMM's binary, 15 ms when warm
inline constexpr std::size_t kMachineLogTailBytes = 64 * kKiB;  ///< end of a VMM's stderr that is searched for an error

inline constexpr std::size_t kFirecrackerHeadBytes =
    8 * kKiB;  ///< status line and headers of one answer; real ones are below 200 bytes
inline constexpr std::size_t kFirecrackerBodyBytes =
    1 * kMiB;  ///< body of one answer; the largest, GET /vm/config, has a few KiB
inline constexpr std::size_t kFirecrackerRequestBytes = 51200;  ///< Firecracker's own limit on a request's body
inline constexpr std::size_t kFirecrackerLineBytes =
    1024;  ///< Firecracker's own limit on a request's first line and on each header
inline constexpr auto kFirecrackerUpDeadline = 20s;       ///< start → API answers is 12 ms; a swapping host is slower
inline constexpr auto kFirecrackerReplyDeadline = 35s;    ///< Firecracker itself waits 30 s for a stuck processor
inline constexpr auto kFirecrackerMemoryDeadline = 300s;  ///< writing all of a guest's memory to a slow disk
inline constexpr std::size_t kVsockReplyBytes = 32;       ///< "OK 4294967295\n" has 14
inline constexpr auto kVsockReplyDeadline = 3s;           ///< Firecracker gives up after 2 s
inline constexpr auto kVsockPatience = 1s;  ///< for a guest to listen, before the caller decides whether to try again

// -- files we parse
inline constexpr std::size_t kConfigFileBytes = 1 * kMiB;    ///< one config file; real ones are below 10 KiB
inline constexpr std::size_t kGuestConfigBytes = 64 * kMiB;  ///< files carried in a guest config
inline constexpr std::size_t kGuestConfigItems = 4096;  ///< entries in each list of a guest config; real ones have tens
inline constexpr std::size_t kKernelImageBytes = 512 * kMiB;  ///< an unpacked vmlinux
inline constexpr std::size_t kArchiveEntries = 4'000'000;     ///< entries in one root file system
inline constexpr std::uint64_t kRootfsBytes = 64 * kGiB;      ///< content of one root file system
inline constexpr std::size_t kPathBytes = 4096;
inline constexpr std::size_t kEntryXattrBytes =
    64 * kKiB;  ///< extended attributes of one archive entry; ext4 holds less
inline constexpr std::size_t kArchiveMetadataBytes =
    2 * kGiB;                                   ///< names, links and attributes of one archive, kept in memory
inline constexpr std::size_t kTreeDepth = 256;  ///< nested directories packed or copied; each holds a descriptor
inline constexpr std::size_t kModuleBytes = 64 * kMiB;     ///< one unpacked kernel module; the largest ones have 10 MiB
inline constexpr std::uint64_t kPackageBytes = 4 * kGiB;   ///< content of one Debian package that is unpacked
inline constexpr std::size_t kManifestBytes = 1 * kMiB;    ///< manifest.json of a kernel or an image
inline constexpr std::size_t kAptSourcesBytes = 1 * kMiB;  ///< one file of apt sources
inline constexpr std::size_t kToolOutputBytes = 4 * kMiB;  ///< part of apt's or mmdebstrap's output that is kept
inline constexpr auto kAptQueryDeadline = 60s;             ///< apt-cache and the like: no network
inline constexpr auto kAptUpdateDeadline = 300s;           ///< package lists of a whole suite over a slow line
inline constexpr auto kAptDownloadDeadline = 1800s;        ///< a kernel package (30 MiB) over a very slow line
inline constexpr std::uint64_t kBuildRoomBytes =
    2 * kGiB;  ///< free space to start a build with; debian-bookworm-dev fills 1 GiB
inline constexpr auto kImageBuildDeadline = 3600s;  ///< a build takes a minute or a few; one that takes an hour hangs

// -- the guest agent (trusts its host, but runs in a small guest)
inline constexpr std::size_t kAgentLogBytes =
    256 * kKiB;  ///< the agent's log is in memory (/run) and starts over at this size
inline constexpr std::size_t kUserFileBytes = 1 * kMiB;   ///< /etc/passwd and /etc/group, read for every exec
inline constexpr std::size_t kProcFileBytes = 16 * kMiB;  ///< one file of /proc; /proc/net/tcp has 150 bytes a socket
inline constexpr std::size_t kPortRows = 512;             ///< listeners in one answer, which stays below kLinkJsonBytes
inline constexpr std::size_t kPortCommandBytes = 256;     ///< of a listener's command line
inline constexpr std::size_t kExecStdinBytes = 256 * kKiB;  ///< stdin held for a command that does not read
inline constexpr auto kExecProbe = 1s;  ///< how often the agent checks for the client while stdin is stuck
inline constexpr auto kExecQuiet =
    250ms;                               ///< after a command's end, so much silence ends the wait for background output
inline constexpr auto kExecLinger = 2s;  ///< longest wait for background output after a command's end
inline constexpr auto kExecHangup = 3s;  ///< SIGHUP → SIGKILL after the client went away
inline constexpr auto kExecHangupPoll = 50ms;   ///< how often the agent checks whether the hung-up processes have ended
inline constexpr int kFileTransfers = 3;        ///< at once, as each holds a thread of the agent's pool
inline constexpr auto kFileTransferWait = 30s;  ///< for a free transfer
inline constexpr auto kUploadEndDeadline = 10s;  ///< archive's end → body's end; only padding lies between
inline constexpr auto kHealthWait = 120s;        ///< the longest wait for the boot target in one request
inline constexpr auto kCpuWindow = 200ms;        ///< CPU use is measured over at least this long (20 ticks)
inline constexpr auto kCpuSampleAge = 60s;       ///< an older sample no longer describes the present load
inline constexpr auto kTunnelConnectDeadline = 10s;
inline constexpr auto kTunnelProbe = 30s;  ///< how often the agent checks for the host of a half-closed tunnel
inline constexpr std::size_t kHostsFileBytes = 1 * kMiB;
inline constexpr auto kShutdownAnswerDelay = 100ms;    ///< for the answer to leave before the agent asks init
inline constexpr auto kShutdownCommandDeadline = 20s;  ///< for an init's own tool, before the agent tries the next tool
inline constexpr auto kPortWait = 60s;                 ///< for the virtio-serial port: its driver may be a module
inline constexpr auto kPortPoll = 20ms;                ///< sysfs does not notify of new files
inline constexpr auto kPortReopen = 1s;                ///< after the channel failed, before the port is opened again

inline constexpr auto kListeningPoll =
    1s;  ///< how often the agent reads the set of listening ports while a host watches the set
inline constexpr std::size_t kListeningLineBytes =
    64 * kKiB;  ///< the set of listening ports as text; kPortRows rows need half as much

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
inline constexpr auto kForwardSettle =
    2s;  ///< after a VM's start, before its ports are read; the guest is busy until then
inline constexpr auto kForwardPause =
    500ms;  ///< least time between two updates from a guest, however fast it sends them
inline constexpr auto kForwardHalfOpen = 300s;  ///< time without a byte after which a half-closed connection is closed
inline constexpr std::size_t kTcpReadBytes = 64 * kKiB;  ///< one read of a TCP connection
inline constexpr auto kAcceptPause = 100ms;              ///< after a failed accept, so that the loop does not spin
inline constexpr std::size_t kProbePorts = 32;           ///< ports of one VM that are probed for HTTP
inline constexpr auto kProbeDeadline = 2s;  ///< for one probe; a guest under software emulation answers within 0.2 s
inline constexpr std::size_t kProbeBytes = 16;  ///< part of an answer that is examined

}  // namespace banger::limits

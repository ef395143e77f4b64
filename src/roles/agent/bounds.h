// Bounds of the guest agent, each with its reason. The agent trusts its host, but it runs in a small guest. Bounds that
// several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- files
/// The agent's log is in memory (/run) and starts over at this size.
inline constexpr std::size_t kAgentLogBytes = 256 * kKiB;
inline constexpr std::size_t kProcFileBytes = 16 * kMiB;  ///< one file of /proc; /proc/net/tcp has 150 bytes a socket
inline constexpr std::size_t kHostsFileBytes = 1 * kMiB;  ///< /etc/hosts; real ones are below 10 KiB
inline constexpr std::size_t kCommandLineBytes = 64 * kKiB;  ///< the kernel's own; x86 has at most 2 KiB
inline constexpr std::size_t kMountInfoBytes = 4 * kMiB;     ///< 100 bytes a mount; hosts of containers have thousands
inline constexpr std::size_t kFrozenListBytes = 1 * kMiB;    ///< paths of frozen cgroups; a guest has tens
inline constexpr std::size_t kBriefConfigBytes = 16 * kKiB;  ///< a larger guest config may take a while to parse
inline constexpr std::size_t kKnownUsers = 64;  ///< cached; a guest with more users reads files again now and then

inline constexpr std::size_t kSupplementaryGroups = 65536;  ///< NGROUPS_MAX: Linux gives a process no more

// -- exec
inline constexpr std::uint64_t kLoginOpenFiles = 1024;  ///< select(2) breaks above; Debian's soft limit
inline constexpr std::uint64_t kLoginMostOpenFiles =
    1 << 20;  ///< the kernel's default of fs.nr_open; Debian's hard limit
/// Share of the guest's processes that one command may have. A few commands of that kind still leave some to the rest.
inline constexpr std::uint64_t kCommandTaskShare = 4;
inline constexpr std::uint64_t kLeastCommandTasks = 64;     ///< of a guest with very little memory; a build needs some
inline constexpr std::size_t kCommandGroups = 256;          ///< as many as streams of a link (kLinkStreams)
inline constexpr std::uint64_t kAgentCpuWeight = 1000;      ///< ten times that of all commands; the agent needs little
inline constexpr std::size_t kCgroupCountBytes = 64;        ///< cgroup.events has two short lines
inline constexpr std::uint64_t kCrowdTasks = 32;            ///< with fewer tasks, the kernel shares the processor well
inline constexpr std::size_t kExecStdinBytes = 256 * kKiB;  ///< stdin held for a command that does not read
inline constexpr auto kExecProbe = 1s;  ///< how often the agent checks for the client while stdin is stuck
/// After a command's end, so much silence ends the wait for background output.
inline constexpr auto kExecQuiet = 250ms;
inline constexpr auto kExecLinger = 2s;        ///< longest wait for background output after a command's end
inline constexpr auto kExecHangup = 3s;        ///< SIGHUP → SIGKILL after the client went away
inline constexpr auto kExecHangupPoll = 50ms;  ///< how often the agent checks whether the hung-up processes have ended

// -- sessions
inline constexpr std::size_t kSessions = 256;  ///< live ones; each has a keeper, which is a process
/// Both files of the log of one session together, for the first kLargeLogSessions live ones.
inline constexpr std::uint64_t kSessionLogBytes = 16 * kMiB;
inline constexpr std::size_t kLargeLogSessions = 16;  ///< so that all logs of a guest have half a GiB at most
inline constexpr std::uint64_t kSmallSessionLogBytes = 1 * kMiB;  ///< of the sessions after those
inline constexpr std::size_t kEndedSessions = 64;                 ///< kept, with their logs; then the oldest goes
inline constexpr std::uint64_t kEndedSessionBytes = 256 * kMiB;   ///< of the logs of ended sessions
/// A record has the arguments of a command, which may need 6 bytes for a byte.
inline constexpr std::size_t kSessionRecordBytes = 16 * kMiB;
inline constexpr std::size_t kSessionTextBytes = 256;        ///< of a command, a directory or a user in a list
inline constexpr auto kSessionMarkPace = 100ms;              ///< between times in a log; each takes 29 bytes
inline constexpr std::int64_t kScrollbackBytes = 64 * kKiB;  ///< of the log for a new client; some hundred screen lines
inline constexpr std::size_t kKeeperClients = 256;           ///< of one session; a link has no more streams
inline constexpr auto kSessionProbe = 1s;  ///< how often the agent checks for the client while a session is quiet
inline constexpr auto kSessionStartDeadline = 25s;  ///< until the command runs; less than the daemon waits
inline constexpr auto kSessionSendDeadline = 20s;   ///< for a command to read its input; less than the daemon waits
inline constexpr auto kSessionKillDeadline = 10s;   ///< SIGKILL → the end; a process may wait for a disk

// -- files in and out
inline constexpr int kFileTransfers = 3;                  ///< at once, as each holds a thread of the agent's pool
inline constexpr auto kFileTransferWait = 30s;            ///< for a free transfer
inline constexpr std::size_t kLeftOutBytes = 128 * kKiB;  ///< of names in one answer, which stays below kLinkJsonBytes
inline constexpr auto kUploadEndDeadline = 10s;           ///< archive's end → body's end; only padding lies between

// -- health and stats
inline constexpr auto kHealthWait = 120s;  ///< the longest wait for the boot target in one request
/// For OpenRC and runit. A service that never comes up must not keep the guest from being used.
inline constexpr auto kQuietBootDeadline = 120s;
inline constexpr auto kQuietBootPoll = 200ms;  ///< short beside such a boot
inline constexpr auto kCpuWindow = 200ms;      ///< CPU use is measured over at least this long (20 ticks)
inline constexpr auto kCpuSampleAge = 60s;     ///< an older sample no longer describes the present load

// -- ports and tunnels
inline constexpr auto kTunnelProbe = 30s;  ///< how often the agent checks for the host of a half-closed tunnel
/// How often the agent reads the set of listening ports while a host watches the set.
inline constexpr auto kListeningPoll = 1s;

// -- the SSH server
inline constexpr auto kSshLoginDeadline = 60s;           ///< as sshd's LoginGraceTime, for a person with a passphrase
inline constexpr std::size_t kSshChannels = 128;         ///< of one connection; a browser opens some ten a page
inline constexpr std::size_t kSshListeners = 32;         ///< ports that one client forwards to itself
inline constexpr std::size_t kSshVariables = 256;        ///< environment variables from a client; usual ones send ten
inline constexpr std::size_t kSshPumpBytes = 32 * kKiB;  ///< moved at once; as much as one packet of SSH
inline constexpr std::size_t kSshAuthorizedBytes = 1 * kMiB;  ///< of authorized_keys; a key has some 100 bytes
inline constexpr std::size_t kSshAuthorizedKeys = 10'000;     ///< as many as fit
inline constexpr int kSshBacklog = 32;                        ///< connections that wait for the client
inline constexpr auto kSshConnectPatience = 200ms;            ///< a refusal on this host takes less than a millisecond

// -- SFTP
inline constexpr std::uint32_t kSftpMessageBytes = 256 * kKiB;  ///< as OpenSSH
inline constexpr std::size_t kSftpDataBytes = 255 * kKiB;       ///< of one read or write; the rest is for the head
inline constexpr std::size_t kSftpHandles = 512;  ///< open files; fewer than a process may have (kLoginOpenFiles)
inline constexpr std::size_t kSftpNames = 100;    ///< in one answer; a name has at most 255 bytes, twice, and a line

// -- ending the guest
inline constexpr auto kEndCommandsDeadline = 5s;  ///< SIGTERM to the clients' commands → the guest's end goes on
inline constexpr auto kEndCommandsPoll = 50ms;    ///< how often the agent's children are listed meanwhile
/// The image's stop signal → the guest's end goes on. Container engines wait as long.
inline constexpr auto kMainCommandDeadline = 10s;
/// Unmounting one file system may free the next one. A guest with nested containers needs a handful of rounds.
inline constexpr int kUnmountRounds = 16;
inline constexpr auto kShutdownAnswerDelay = 100ms;    ///< for the answer to leave before the agent asks init
inline constexpr auto kBootEndDeadline = 60s;          ///< systemd's last jobs take seconds under emulation
inline constexpr auto kShutdownCommandDeadline = 20s;  ///< for an init's own tool, before the agent tries the next tool
inline constexpr auto kInitDeadline = 60s;   ///< until init reacts to signals; systemd takes 20 s under emulation
inline constexpr auto kInitPoll = 50ms;      ///< no file notifies of a process that begins to handle a signal
inline constexpr auto kShutdownRepeat = 5s;  ///< an init's tool may succeed although that init is not up yet
/// An hour: then also the longest deadline of `vm stop` is over. On a busy host an init may need minutes to come up.
inline constexpr int kShutdownAttempts = 720;
inline constexpr time_t kTermGraceSeconds = 3;  ///< SIGTERM → SIGKILL for all processes, under banger's small init
inline constexpr time_t kKillGraceSeconds = 2;  ///< SIGKILL → unmount, with or without processes

// -- the channel
inline constexpr auto kPortWait = 60s;   ///< for the virtio-serial port: its driver may be a module
inline constexpr auto kPortPoll = 20ms;  ///< sysfs does not notify of new files
inline constexpr auto kPortReopen = 1s;  ///< after the channel failed, before the port is opened again

// -- the supervisor
inline constexpr std::int64_t kAgentFirstPauseMs =
    100;  ///< before an agent that ended is started again; it then doubles
inline constexpr std::int64_t kAgentLongestPauseMs = 5000;  ///< longest such pause
inline constexpr std::int64_t kAgentHealthyMs = 10'000;     ///< an agent that lived so long did not fail at its start
inline constexpr std::int64_t kAgentEndGraceMs = 2000;      ///< SIGTERM → SIGKILL for the agent

// -- saving and cloning
inline constexpr auto kFreezeDeadline = 2s;        ///< a process in an uninterruptible wait stops only after the wait
inline constexpr auto kFreezePoll = 2ms;           ///< a freeze takes a few milliseconds
inline constexpr auto kLeastFirstCommand = 700ms;  ///< time for a first command on an idle host
inline constexpr auto kMostFirstCommand = 5s;      ///< delayed work must not wait longer

}  // namespace banger::limits

// The command line's own bounds, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- waits for the daemon
inline constexpr auto kStatusDeadline = std::chrono::seconds(10);       ///< daemon.status answers within a millisecond
inline constexpr auto kNamesDeadline = std::chrono::milliseconds(300);  ///< completion: a person presses a key
/// Deleting a VM: long enough for a busy host, short enough for a person who waits.
inline constexpr auto kDeleteDeadline = std::chrono::seconds(30);
inline constexpr auto kDaemonStopDeadline = std::chrono::seconds(30);  ///< running calls have 20 s to undo their work
inline constexpr auto kSystemctlDeadline = std::chrono::seconds(90);   ///< systemctl waits for the end of the daemon

// -- bench
inline constexpr std::int64_t kBenchRounds = 10'000;                   ///< of one kind; far more than percentiles need
inline constexpr std::int64_t kBenchBoots = 5;                         ///< a boot takes seconds, and a clone 0.1 s
inline constexpr auto kPoolDeadline = std::chrono::seconds(15);        ///< a clone for the ready pool takes 0.1 s
inline constexpr auto kBenchPoolPoll = std::chrono::milliseconds(20);  ///< short beside the round that follows

// -- exec
inline constexpr std::size_t kExecQueueBytes = 256 * kKiB;        ///< per direction; a full queue stops its source
inline constexpr std::size_t kExecReadBytes = 32 * kKiB;          ///< one read; half a frame
inline constexpr std::size_t kEnvFileBytes = 2 * kMiB;            ///< the kernel takes no more for a program
inline constexpr auto kSignalDeadline = std::chrono::seconds(5);  ///< until the guest confirms a signal
inline constexpr auto kEndDeadline = std::chrono::seconds(10);    ///< until the daemon has noticed that a guest halted
inline constexpr auto kEndPoll = std::chrono::milliseconds(100);  ///< fast enough for a person, and costs little
inline constexpr auto kSecondSignalWindow = std::chrono::seconds(2);  ///< a second Ctrl-C within it ends the wait

// -- sessions
inline constexpr std::size_t kDetachKeys = 16;                ///< keys that leave a session; a person types them
inline constexpr std::size_t kSessionSendBytes = 256 * kKiB;  ///< of one call; base64 makes 342 KiB of them
inline constexpr std::int64_t kLastSecond = 253'402'300'799;  ///< the end of the year 9999, in unix seconds

// -- copies, forwards and logs
inline constexpr std::size_t kCopyPipeBytes = 1 * kMiB;              ///< the largest pipe that any user may have
inline constexpr auto kCopyProgressDelay = std::chrono::seconds(1);  ///< most copies are shorter
inline constexpr std::size_t kForwardReadBytes = 16 * kKiB;          ///< one read of a forwarded connection
inline constexpr std::size_t kForwardBufferBytes = 64 * kKiB;        ///< unsent bytes at which a direction is not read
inline constexpr std::size_t kForwardedConnections = 64;             ///< of one command at once; each has a thread
inline constexpr std::size_t kSshConfigBytes = 64 * kKiB;            ///< banger's own settings of ssh have 1 KiB
inline constexpr std::size_t kUserSshConfigBytes = 16 * kMiB;        ///< of ~/.ssh/config; real ones have some KiB
inline constexpr std::size_t kLogChunkBytes = 64 * kKiB;             ///< one read of a log
inline constexpr std::size_t kColourSequenceBytes = 32;              ///< longer than any escape sequence for a colour
inline constexpr auto kLogFollowPoll = std::chrono::milliseconds(200);  ///< fast enough for a reader
inline constexpr auto kWaitPoll = std::chrono::milliseconds(100);       ///< of `vm wait`; a boot takes seconds
inline constexpr auto kStatsInterval = std::chrono::seconds(1);         ///< of `vm stats --watch`
inline constexpr auto kStatsPatience = std::chrono::seconds(5);  ///< for one of several guests; a busy one needs 1 s
inline constexpr auto kEgressInterval = std::chrono::milliseconds(500);  ///< of `vm egress --follow`; read by people
/// For the ports of all guests in `vm list --wide`: a list answers within seconds, whatever one guest does.
inline constexpr auto kListPatience = std::chrono::milliseconds(1500);
inline constexpr std::size_t kRemoveBytes = 64 * kKiB;    ///< names in one command of a guest; it may have far more
inline constexpr std::size_t kCheckTailBytes = 4 * kKiB;  ///< kept of a check's output; its last line fits
inline constexpr std::size_t kComparedVms = 64;           ///< of one `vm workspace compare`; as many as a fork makes
inline constexpr auto kWorkspaceCacheAge = std::chrono::hours(24 * 90);  ///< what nobody has used for so long
inline constexpr std::size_t kShownRules = 20;   ///< of an egress policy, in `vm show`: some lines of text
inline constexpr std::size_t kAnswerBytes = 16;  ///< "yes", as a person types it
inline constexpr auto kProgressTick = std::chrono::milliseconds(100);  ///< one frame of the spinner
inline constexpr auto kPlainProgressDelay = std::chrono::seconds(3);   ///< a clone takes 0.4 s, a boot 4 s

}  // namespace banger::limits

// Bounds of src/net, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr auto kAcceptPause = 100ms;              ///< after a failed accept, so that the loop does not spin
inline constexpr std::size_t kTcpReadBytes = 64 * kKiB;  ///< one read of a TCP connection
inline constexpr int kKeepAliveIdleSeconds = 60;         ///< of silence, before the kernel asks whether the peer lives
inline constexpr int kKeepAliveIntervalSeconds = 15;     ///< between two such questions
inline constexpr int kKeepAliveQuestions = 4;            ///< without an answer, and the connection counts as broken
inline constexpr std::size_t kDiagAnswerBytes = 4 * kKiB;    ///< one socket of sock_diag(7) has 0.2 KiB
inline constexpr std::size_t kSocketTableBytes = 16 * kMiB;  ///< /proc/net/tcp has 150 bytes a socket

// -- bridge and firewall
inline constexpr std::uint32_t kEthernetMtu = 1500;  ///< what a link has if nobody says otherwise
/// Of a private network, as pasta's own interface has it. All its links are memory, where large packets are cheap.
inline constexpr std::uint32_t kPrivateMtu = 65'520;
inline constexpr std::uint64_t kLeastRateBurstBytes = 256 * kKiB;  ///< four of the largest packets
inline constexpr std::uint64_t kMostRateBurstBytes = 16 * kMiB;  ///< of a guest with a bandwidth; an eighth of a second
inline constexpr std::uint32_t kTaps = 4096;  ///< highest number of a tap; a bridge has at most 1024 ports
inline constexpr auto kNftDeadline = 10s;     ///< nft runs for 5 ms, and for 1 s if it lists the rules of Kubernetes
inline constexpr std::size_t kNftOutputBytes = 32 * kMiB;  ///< the host's ruleset as JSON; large ones have some MiB
inline constexpr int kRangeAttempts =
    4096;  ///< ranges that are tried for a suggestion; each is compared with all routes
/// highest index of a link in a guest: the kernel numbers links in order, and removed links of containers leave gaps
inline constexpr int kGuestLinkIndex = 64;

inline constexpr std::size_t kOwnAddresses = 256;  ///< of this host; one with many containers has some dozens
inline constexpr int kGateBacklog = 512;  ///< connections that wait to be accepted; browsers open some dozens at once

// -- DNS (every process of this host may ask)
inline constexpr std::size_t kDnsMessageBytes = 1232;  ///< a query; real ones are below 100 bytes
inline constexpr unsigned kDnsRecords = 1024;          ///< of one message; the largest real answers have some hundred
inline constexpr unsigned kDnsBatch = 16;              ///< queries read and answered with one system call each way
inline constexpr int kDnsBatchesInRow = 8;             ///< before other coroutines run
inline constexpr int kDnsTcpConnections = 32;          ///< at once; later ones are closed
// guests ask more: all questions of their programs are passed on
inline constexpr int kDnsRelayed = 512;                     ///< questions on their way at once; each has a socket
inline constexpr int kDnsParts = 4;                         ///< of these limits, which one asker may take one of
inline constexpr std::size_t kDnsRelayBytes = 64 * kKiB;    ///< an answer over UDP; whole ones have below 4 KiB
inline constexpr auto kDnsServerPatience = 2s;              ///< then the next server is asked, as resolvers do
inline constexpr std::size_t kDnsServers = 3;               ///< as many as the C library asks (resolv.conf(5))
inline constexpr std::uint16_t kDnsPort = 53;               ///< of the servers in resolv.conf(5)
inline constexpr std::size_t kResolvConfBytes = 64 * kKiB;  ///< real ones are below 1 KiB
inline constexpr auto kDnsTcpIdle = 10s;  ///< for the next whole query, and for the reading of its answer

}  // namespace banger::limits

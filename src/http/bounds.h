// Bounds of src/http, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- texts of servers
inline constexpr std::size_t kUrlBytes = 8 * kKiB;        ///< signed URLs of storage have 2 KiB; servers refuse 8 KiB
inline constexpr std::size_t kDnsNameBytes = 253;         ///< of a DNS name (RFC 1035, section 2.3.4)
inline constexpr std::size_t kChallengeBytes = 8 * kKiB;  ///< one WWW-Authenticate header; real ones have 0.3 KiB
inline constexpr std::size_t kChallenges = 8;             ///< ways to log in; real servers offer one or two
inline constexpr std::size_t kChallengeParameters = 16;   ///< of one way; Bearer has four
inline constexpr std::size_t kHttpHeadBytes = 64 * kKiB;  ///< status line and headers; real ones have 2 KiB
inline constexpr std::size_t kHttpFields = 200;           ///< headers of a response; real ones have 30
inline constexpr std::uint64_t kHttpFramingBytes = kMiB;  ///< heads and the coding of chunks, besides the share
inline constexpr std::uint64_t kHttpFramingShare = 16;    ///< times the content; a chunk of one byte has five around it
inline constexpr std::size_t kHttpBodyBytes = 4 * kMiB;   ///< a body in memory: registries limit manifests to this
inline constexpr std::size_t kErrorBodyBytes = 64 * kKiB;  ///< the body of a failed download: an error as text
inline constexpr std::uint64_t kDownloadBytes =
    1024 * kGiB;                                     ///< the largest layer that any registry accepts is smaller
inline constexpr std::size_t kHostAuthorities = 50;  ///< a directory with fewer is no whole list of CAs: lists have 140
inline constexpr std::size_t kTrustFiles = 256;  ///< certificates of one server's directory; real ones have one or two
inline constexpr std::size_t kAddresses = 8;     ///< tried of one name; large sites publish up to eight
inline constexpr std::size_t kHostNamesBytes = 4 * kMiB;  ///< lists that block advertisements have 2 MiB

// -- time
inline constexpr auto kHttpConnectDeadline = 30s;  ///< a lost packet of each of DNS, TCP and TLS costs some seconds
inline constexpr auto kHttpStallDeadline = 60s;    ///< registries that first fetch a blob themselves are silent so long
inline constexpr auto kHttpEndDeadline = 5s;  ///< for the end of a coding when all bytes are there; it comes with them
inline constexpr auto kHttpPaceDeadline = 5min;  ///< for kHttpPaceBytes: slower than modems were
inline constexpr auto kHttpIdle = 30s;           ///< an unused connection is closed: most servers close after 60 s
inline constexpr auto kCancelPoll = 100ms;  ///< how late a request notices that the caller has gone; people see no less
inline constexpr auto kDnsAttempt = 2s;     ///< for one name server to answer; c-ares asks the next one then
inline constexpr int kDnsAttempts = 2;      ///< of each name server; a datagram may be lost

// -- again
inline constexpr int kRedirects = 10;               ///< as curl and Docker: registries need two
inline constexpr int kHttpAttempts = 4;             ///< with pauses of 2 s in all, for a server that restarts
inline constexpr auto kRetryPause = 250ms;          ///< before the second attempt; doubled each time
inline constexpr auto kRetryPauseMost = 8s;         ///< the longest pause that grows by itself
inline constexpr auto kRetryAfterMost = 60s;        ///< longest pause that a server may ask for; people wait for it
inline constexpr std::size_t kIdleConnections = 4;  ///< kept for one server: as many layers as are pulled at once

// -- bytes in flight
inline constexpr int kHttpReadsInRow = 16;  ///< before other coroutines run: 1 MiB, which takes 1 ms
inline constexpr int kTlsReadsInCall = 64;  ///< in one call of OpenSSL; a record of 16 KiB takes two
inline constexpr int kTlsMessages = 64;     ///< without content; handshakes have ten, and then two tickets follow
inline constexpr std::size_t kHttpReadBytes = 64 * kKiB;  ///< one read; four records of TLS
inline constexpr std::size_t kHttpPaceBytes = 64 * kKiB;  ///< also the most of a head, which ends within this pace
inline constexpr std::size_t kHttpSendBytes = 64 * kKiB;  ///< one piece of a file that is sent

}  // namespace banger::limits

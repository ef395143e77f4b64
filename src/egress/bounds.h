// Bounds of src/egress, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- policies
inline constexpr std::size_t kEgressRules = 16384;     ///< of one policy; the longest lists of hosts that people keep
inline constexpr std::size_t kEgressRuleBytes = 300;   ///< a name has 253 bytes, and two ports have twelve
inline constexpr std::size_t kDnsTextBytes = 253;      ///< of a DNS name as text (RFC 1035, section 2.3.4)
inline constexpr std::size_t kDnsTextLabelBytes = 63;  ///< of one label of a DNS name (RFC 1035, section 2.3.4)
inline constexpr std::size_t kEgressNameBytes = 63;    ///< of a policy's name, as for other names of banger

// -- answers of DNS servers
inline constexpr std::size_t kAliases = 16;                ///< CNAME records in a row; content networks need up to six
inline constexpr std::size_t kAnswerAddresses = 64;        ///< of one answer; large sites publish up to eight
inline constexpr std::chrono::seconds kOpeningLeast{60};   ///< for a program that connects late; some TTLs are zero
inline constexpr std::chrono::seconds kOpeningMost{3600};  ///< a guest asks again then; the answer may be another
/// Openings end at multiples of this, so that a repeated lookup seldom changes the firewall.
inline constexpr std::chrono::seconds kOpeningGrain{16};

// -- openings of one VM
inline constexpr std::size_t kOpenings = 32768;          ///< pairs of address and name: 10,000 names have about 20,000
inline constexpr std::size_t kOpeningsAtAddress = 4096;  ///< names of one address; shared hosts have hundreds

// -- what a guest sends to the proxy first
inline constexpr std::size_t kClientHelloBytes = 32 * kKiB;  ///< with its records; post-quantum keys make 2 KiB
inline constexpr std::size_t kTlsRecordBytes = 16 * kKiB;    ///< of one record's content (RFC 8446, section 5.1)
inline constexpr std::size_t kAlpnNames = 32;                ///< protocols of one ClientHello; browsers offer two
inline constexpr std::size_t kRequestHeadBytes = 64 * kKiB;  ///< request line and fields; cookies take some KiB
inline constexpr std::size_t kRequestLineBytes = 16 * kKiB;  ///< also of one field; servers refuse 8 KiB
inline constexpr std::size_t kRequestFields = 200;           ///< of one request; browsers send 20

// -- secrets of one VM
inline constexpr std::size_t kSecrets = 64;             ///< a program has few; each is compared at each byte of a head
inline constexpr std::size_t kSecretNameBytes = 128;    ///< of an environment variable
inline constexpr std::size_t kPlaceholderBytes = 256;   ///< a prefix and the name
inline constexpr std::size_t kSecretHosts = 64;         ///< of one secret
inline constexpr std::size_t kSecretBytes = 16 * kKiB;  ///< of a value; servers refuse fields above 8 KiB
inline constexpr std::size_t kSwappedHeadBytes = 128 * kKiB;  ///< a head with its values, twice as large as without

// -- the relay of one HTTP/2 connection
inline constexpr std::uint32_t kRelayStreams = 100;         ///< of the guest at once; RFC 9113 advises no fewer
inline constexpr std::size_t kRelayStreamsHeld = 128;       ///< with those whose bodies still go out after the response
inline constexpr std::size_t kRelayChunkBytes = 16 * kKiB;  ///< of memory for a body; one DATA frame
inline constexpr std::size_t kRelayTakeBytes = 64 * kKiB;   ///< for one write; more gains no throughput
inline constexpr std::uint32_t kRelayStreamWindowBytes = 16 * kKiB;  ///< least window of a stream, which it always has
inline constexpr std::size_t kRelayFirstWindowBytes = 64 * kKiB;     ///< of a stream while the pool lasts, as is usual
inline constexpr std::size_t kRelayMostWindowBytes = 1 * kMiB;       ///< of one stream: 20 MB/s from a host 50 ms away
inline constexpr std::size_t kRelayPoolBytes = 1 * kMiB;  ///< of windows, in one direction, beyond the least ones
/// Of bodies in one direction. Only a peer that does not acknowledge its SETTINGS can reach more.
inline constexpr std::size_t kRelayHeldBytes =
    kRelayStreamsHeld * kRelayStreamWindowBytes + kRelayPoolBytes + 64 * kKiB;
inline constexpr std::int32_t kRelayConnectionWindowBytes = 4 * kMiB;  ///< opens at once, so it holds no memory
inline constexpr std::size_t kRelayBombBytes = 4 * kRequestHeadBytes;  ///< of one header block; ends the connection
inline constexpr std::size_t kRelayTrailerBytes = 16 * kKiB;           ///< of one stream; gRPC's status has up to 8 KiB
inline constexpr std::size_t kRelayBlockBytes = 128 * kKiB;  ///< of header blocks that a side has not read yet
inline constexpr std::size_t kRelayWaitingBytes = 1 * kMiB;  ///< of requests for which the host has no room yet
inline constexpr std::size_t kRelayFrames = 512;             ///< that a side has not read yet, without bodies
inline constexpr std::size_t kRelayContinuations = 6;        ///< frames after HEADERS; four have 64 KiB
inline constexpr std::size_t kRelayPings = 64;               ///< without an answer; clients send one at a time
inline constexpr std::size_t kRelayAnnouncements = 16;       ///< changes of SETTINGS; hosts change them once
inline constexpr std::size_t kRelayGoawayBytes = 128;        ///< of the text in a GOAWAY; servers send one line
/// Requests that a guest ends early, at once and per second. Pages that are left end 100.
inline constexpr double kRelayResets = 300, kRelayResetsPerSecond = 30;
/// Frames that cost only their receiver, at once and per second. Clients of gRPC send a few pings per second.
inline constexpr double kRelayNuisances = 1000, kRelayNuisancesPerSecond = 100;

// -- the log of one VM
inline constexpr std::size_t kLogRows = 1000;      ///< of allowed connections, and as many of refused ones: 1 MiB
inline constexpr std::size_t kLogNameBytes = 255;  ///< of a name in the log: one DNS name

}  // namespace banger::limits

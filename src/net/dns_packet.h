// DNS messages as values (RFC 1035, 6891): one question, the records of its answer, and whether EDNS is spoken. Pure.
// What a reader does not need is checked for its form, then dropped: the authority section and additional records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::net {

/// The types of records that banger treats specially (IANA, "DNS Parameters").
enum DnsType : std::uint16_t {
  kDnsA = 1,
  kDnsNs = 2,
  kDnsCname = 5,
  kDnsSoa = 6,
  kDnsPtr = 12,
  kDnsMx = 15,
  kDnsTxt = 16,
  kDnsAaaa = 28,
  kDnsSrv = 33,
  kDnsDname = 39,
  kDnsOpt = 41,
  kDnsSvcb = 64,
  kDnsHttps = 65,
  kDnsIxfr = 251,
  kDnsAxfr = 252,
  kDnsAny = 255,
  kDnsCaa = 257,
};
/// The rest of the numbers that readers of a packet compare.
inline constexpr std::uint16_t kDnsInternet = 1;
inline constexpr std::uint16_t kDnsIsAnswer = 0x8000, kDnsOpcode = 0x7800, kDnsTruncated = 0x0200;
inline constexpr unsigned kDnsNoError = 0, kDnsFormatError = 1, kDnsServerFailure = 2, kDnsNameError = 3,
                          kDnsNotImplemented = 4, kDnsRefused = 5;

/// A name as on the wire, without pointers and in lower case: "\3www\7example\3org\0". 255 bytes at most.
using DnsName = std::string;

/// "www.example.org" for the wire form. Nothing when a label has a dot, a backslash, a space or no printable ASCII.
/// Such a text could mean two names. The root is "".
std::optional<std::string> dns_text(std::string_view name);

struct DnsRecord {
  DnsName owner = {};
  std::uint16_t type = 0, klass = 0;
  std::uint32_t ttl = 0;  ///< seconds; 0 for a number with the highest bit (RFC 2181, section 8)
  std::string data = {};  ///< names in it have no pointers, so it can be copied into another message
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

struct DnsPacket {
  std::uint16_t id = 0, flags = 0;  ///< the flags with the lower four bits of the result code
  unsigned rcode = kDnsNoError;     ///< with the bits of an OPT record
  DnsName name = {};                ///< of the question
  std::uint16_t type = 0, klass = 0;
  std::string question = {};  ///< the question's bytes as they were written, in upper or lower case
  std::vector<DnsRecord> answers = {};
  bool extended = false;        ///< has an OPT record
  std::uint16_t udp_bytes = 0;  ///< the largest datagram that its sender takes, at least 512
};

/// The id and the flags of a message that may be malformed behind them. Nothing for less than a header.
std::optional<DnsPacket> read_dns_header(std::string_view bytes);

/// `invalid` unless the bytes are exactly one message with exactly one question. A pointer must lead to an earlier
/// place. Answers of types whose data may have pointers that this code does not know are left out (RFC 3597).
/// `exhausted` for more than limits::kDnsRecords records.
Result<DnsPacket> read_dns(std::string_view bytes);

/// The packet's header, question, answers and, when `extended`, an OPT record. An answer that would be larger than
/// `limit` bytes has the flag for truncation and no records. The lower bits of `flags` come from `rcode`.
std::string write_dns(const DnsPacket& packet, std::size_t limit);

}  // namespace banger::net

// What of one DNS answer a guest gets. Pure. The rules are those of name_gate.h.
#pragma once

#include <cstdint>
#include <vector>

#include "egress/policy.h"
#include "egress/reason.h"
#include "net/dns_packet.h"

namespace banger::egress {

/// Whether a question for this type goes to a server at all. Otherwise its answer is empty.
bool is_served(const Policy& policy, std::uint16_t type);

struct FilteredAnswer {
  Reason reason = Reason::allowed;
  bool refused = false;                      ///< the whole answer: nothing else is set
  std::vector<net::DnsRecord> records = {};  ///< with the time to live below
  std::uint32_t ttl = 0;                     ///< seconds; the shortest of the records, at most limits::kOpeningMost
  std::vector<Ipv4> opens = {};              ///< the addresses that the name opens; none under `open`
  std::vector<Ipv4> withheld = {};           ///< the addresses in closed ranges
};
/// Any order of the records is right.
FilteredAnswer filter_answer(const Policy& policy, const net::DnsPacket& answer);

}  // namespace banger::egress

// The gate of a VM's DNS. It decides which questions go to a server, what of an answer goes back to the guest, and
// which addresses it opens. Pure: bytes, a policy and the time in, bytes and openings out. Any bytes are safe.
//
// An answer is written anew from its parts, so nothing passes that is not listed here:
//   - the aliases (CNAME) from the name to the end of their chain, then records of the asked type at that end
//   - A records outside closed ranges, or with an address that a rule names
//   - under a policy that is not open: the types A, CNAME, MX, NS, PTR, SOA, SRV, TXT and CAA only
//   - never AAAA, because VMs have no IPv6; such a question has an empty answer at once
// HTTPS and SVCB records, which carry addresses and the keys of Encrypted Client Hello, pass under `open` only
// (RFC 9460). All records of an answer have one time to live, the shortest. No opening ends before the guest's copy.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "egress/openings.h"
#include "egress/policy.h"
#include "egress/reason.h"
#include "net/dns_packet.h"

namespace banger::egress {

/// What to do next with a message.
enum class Step {
  drop,   ///< nothing: it deserves no reply, or is not the reply that was waited for
  reply,  ///< send `reply` to the guest
  ask,    ///< ask the server; after an answer: again over TCP, because the answer was truncated
};

/// A question of the guest.
struct GatedQuestion {
  Step step = Step::drop;
  Reason reason = Reason::lookup_malformed;
  std::string name;       ///< for the log: canonical, else printable
  net::DnsPacket packet;  ///< what was asked; for gate_answer()
  std::string reply;      ///< only of Step::reply
};
GatedQuestion gate_question(const Policy& policy, std::string_view query);

/// The query for the server: the same question with another id. The answer may have limits::kDnsMessageBytes over UDP.
std::string server_query(const GatedQuestion& question, std::uint16_t id);

/// How a message is carried. Over UDP a reply fits the datagram that the guest asked for.
enum class Carrier { udp, tcp };

/// An answer of the server.
struct GatedAnswer {
  Step step = Step::drop;
  Reason reason = Reason::answer_malformed;
  std::string reply = {};              ///< for Step::reply
  std::vector<Opening> openings = {};  ///< must be open before the reply is sent; none under `open`
  std::vector<Ipv4> withheld = {};     ///< addresses in closed ranges, which the guest does not get
};
/// `id`: of the query to the server. `from` carried the answer, `to` carries the reply.
/// REQUIRES: a question with Step::ask, under the same policy.
GatedAnswer gate_answer(const Policy& policy, const GatedQuestion& question, std::string_view answer, std::uint16_t id,
                        Carrier from, Carrier to, Instant now);

/// SERVFAIL, for a question whose server does not answer.
std::string failure_reply(const GatedQuestion& question);

}  // namespace banger::egress

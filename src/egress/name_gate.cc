#include "egress/name_gate.h"

#include <algorithm>

#include "base/text.h"
#include "egress/answer.h"
#include "egress/bounds.h"
#include "net/bounds.h"

namespace banger::egress {

namespace {

constexpr std::uint16_t kEchoed = 0x7910;  // opcode, RD and CD
constexpr std::uint16_t kRecursionDesired = 0x0100, kRecursionAvailable = 0x0080;
constexpr std::size_t kTcpBytes = 65535;

std::size_t limit_of(const net::DnsPacket& query, Carrier carrier) {
  return carrier == Carrier::tcp ? kTcpBytes : std::min<std::size_t>(query.udp_bytes, limits::kDnsMessageBytes);
}

std::string reply_to(const net::DnsPacket& query, unsigned rcode, Carrier carrier,
                     std::vector<net::DnsRecord> records = {}) {
  auto reply = query;
  reply.flags = net::kDnsIsAnswer | kRecursionAvailable | (query.flags & kEchoed);
  reply.rcode = rcode;
  reply.answers = std::move(records);
  return write_dns(reply, limit_of(query, carrier));
}

GatedQuestion reply_at_once(GatedQuestion question, Reason reason, unsigned rcode) {
  question.step = Step::reply;
  question.reason = reason;
  question.reply = reply_to(question.packet, rcode, Carrier::udp);
  return question;
}

/// The result code that refuses a query of this form; no error for one that is served.
unsigned form_error(const net::DnsPacket& packet) {
  if (packet.flags & net::kDnsOpcode) return net::kDnsNotImplemented;
  if (!packet.answers.empty()) return net::kDnsFormatError;
  bool transfer = packet.type == net::kDnsAxfr || packet.type == net::kDnsIxfr;
  return packet.klass != net::kDnsInternet || transfer ? net::kDnsRefused : net::kDnsNoError;
}

std::string name_for_log(const net::DnsPacket& packet) {
  auto text = net::dns_text(packet.name);
  if (!text) return printable(packet.name, limits::kLogNameBytes);
  return host_name(*text).value_or(*text);
}

// Names that are no host names are never allowed by a rule. Under `open` the server decides about them.
Reason judge_name(const Policy& policy, const net::DnsPacket& packet) {
  if (policy.is_open()) return Reason::allowed;
  auto text = net::dns_text(packet.name);
  if (!text || !host_name(*text)) return Reason::name_malformed;
  return policy.allows_name(*text) ? Reason::allowed : Reason::name_not_allowed;
}

}  // namespace

GatedQuestion gate_question(const Policy& policy, std::string_view query) {
  GatedQuestion question;
  auto header = net::read_dns_header(query);
  if (!header || header->flags & net::kDnsIsAnswer) return question;
  question.packet = *header;
  // The rest of a message with another opcode need not look like a query (RFC 8490).
  if (header->flags & net::kDnsOpcode)
    return reply_at_once(std::move(question), Reason::lookup_malformed, net::kDnsNotImplemented);
  auto packet = net::read_dns(query);
  if (!packet) return reply_at_once(std::move(question), Reason::lookup_malformed, net::kDnsFormatError);
  question.packet = *std::move(packet);
  question.name = name_for_log(question.packet);
  if (auto code = form_error(question.packet); code != net::kDnsNoError)
    return reply_at_once(std::move(question), Reason::lookup_malformed, code);
  if (auto reason = judge_name(policy, question.packet); reason != Reason::allowed)
    return reply_at_once(std::move(question), reason, net::kDnsNameError);
  if (!is_served(policy, question.packet.type))
    return reply_at_once(std::move(question), Reason::record_withheld, net::kDnsNoError);
  question.step = Step::ask;
  question.reason = Reason::allowed;
  return question;
}

std::string server_query(const GatedQuestion& question, std::uint16_t id) {
  auto query = question.packet;
  query.id = id;
  query.flags = kRecursionDesired;
  query.rcode = net::kDnsNoError;
  query.answers.clear();
  query.extended = true;
  return write_dns(query, kTcpBytes);
}

std::string failure_reply(const GatedQuestion& question) {
  return reply_to(question.packet, net::kDnsServerFailure, Carrier::udp);
}

GatedAnswer gate_answer(const Policy& policy, const GatedQuestion& question, std::string_view bytes, std::uint16_t id,
                        Carrier from, Carrier to, Instant now) {
  const auto& asked = question.packet;
  auto header = net::read_dns_header(bytes);
  if (!header || header->id != id || !(header->flags & net::kDnsIsAnswer)) return {.reason = Reason::answer_foreign};
  GatedAnswer gated{.step = Step::reply, .reply = failure_reply(question)};
  bool truncated = header->flags & net::kDnsTruncated;
  if (truncated && from == Carrier::udp) return {.step = Step::ask, .reason = Reason::allowed};
  auto answer = net::read_dns(bytes);
  if (truncated || !answer) return gated;
  if (answer->name != asked.name || answer->type != asked.type || answer->klass != asked.klass)
    return {.reason = Reason::answer_foreign};
  gated.reason = Reason::allowed;
  if (answer->rcode != net::kDnsNoError && answer->rcode != net::kDnsNameError) return gated;
  auto filtered = filter_answer(policy, *answer);
  gated.reason = filtered.reason;
  gated.withheld = std::move(filtered.withheld);
  if (filtered.refused) return gated;
  auto stays = std::clamp(std::chrono::seconds(filtered.ttl), limits::kOpeningLeast, limits::kOpeningMost);
  auto ports = policy.ports_of(question.name);
  for (auto address : filtered.opens) gated.openings.push_back({address, question.name, ports, now + stays});
  gated.reply = reply_to(asked, answer->rcode, to, std::move(filtered.records));
  return gated;
}

}  // namespace banger::egress

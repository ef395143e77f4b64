// Fuzzes the gate of DNS both ways. The first byte chooses the policy and the carriers. The next two bytes are the
// length of the guest's question, then come the question and the server's answer. Whatever they are, the guest gets
// whole messages without closed addresses, and openings are for addresses of the internet within their times.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../unit/net/dns_wire.h"
#include "egress/bounds.h"
#include "egress/closed.h"
#include "egress/name_gate.h"

namespace {

using namespace banger;
using namespace banger::egress;

constexpr Instant kNow(std::chrono::hours(5));

void must(bool holds) {
  if (!holds) std::abort();
}

Policy policy_of(unsigned choice) {
  auto policy = choice == 0   ? Policy::make("open", {"10.0.0.0/8"})
                : choice == 1 ? Policy::make("none", {"*.org:443", "a.net"})
                              : Policy::make("none", {"*.org", "10.0.0.0/8:80"});
  return *policy;
}

dns_wire::Answer check_reply(const std::string& reply, std::string_view query, std::size_t limit) {
  must(reply.substr(0, 2) == query.substr(0, 2) && reply.size() <= limit);
  auto parsed = dns_wire::parse(reply);
  must(parsed.whole && parsed.has(0x8000) && parsed.counts[0] <= 1 && parsed.counts[2] == 0 && parsed.counts[3] <= 1);
  return parsed;
}

void check_records(const Policy& policy, const dns_wire::Answer& reply) {
  for (unsigned i = 0; i < reply.counts[1]; ++i) {
    const auto& record = reply.records[i + 1];
    must(record.type != 28 && record.ttl <= 3600);
    if (!policy.is_open()) must(record.type != 64 && record.type != 65);
    if (record.type != 1) continue;
    must(record.data.size() == 4);
    Ipv4 address = 0;
    for (char byte : record.data) address = address << 8 | static_cast<unsigned char>(byte);
    must(!closed_range_of(address) || policy.names_address(address));
  }
}

void check_openings(const Policy& policy, const GatedQuestion& question, const GatedAnswer& gated) {
  must(gated.openings.empty() || (!policy.is_open() && gated.reason == Reason::allowed));
  must(gated.openings.size() <= limits::kAnswerAddresses);
  for (const auto& opening : gated.openings) {
    must(!closed_range_of(opening.address) && opening.name == question.name && policy.allows_name(opening.name));
    must(opening.ports == policy.ports_of(opening.name) && !opening.ports.empty());
    must(opening.ends >= kNow + limits::kOpeningLeast && opening.ends <= kNow + limits::kOpeningMost);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  auto policy = policy_of(data[0] % 3);
  auto from = data[0] & 4 ? Carrier::tcp : Carrier::udp, to = data[0] & 8 ? Carrier::tcp : Carrier::udp;
  auto query = bytes.substr(0, static_cast<std::size_t>(data[1] << 8 | data[2]));
  std::string answer(bytes.substr(query.size()));
  auto question = gate_question(policy, query);
  if (question.step == Step::reply) must(check_reply(question.reply, query, 1232).counts[1] == 0);
  if (question.step != Step::ask) return 0;
  must(question.reason == Reason::allowed && (policy.is_open() || policy.allows_name(question.name)));
  must(dns_wire::parse(server_query(question, 7)).whole);
  // Most answers would be for other questions, so this one gets the right id and question.
  if (data[0] & 16 && answer.size() >= 12) answer = answer.substr(0, 12) + question.packet.question + answer.substr(12);
  auto id =
      answer.size() < 2
          ? 0u
          : static_cast<unsigned>(static_cast<unsigned char>(answer[0]) << 8 | static_cast<unsigned char>(answer[1]));
  auto gated = gate_answer(policy, question, answer, static_cast<std::uint16_t>(id), from, to, kNow);
  check_openings(policy, question, gated);
  must((gated.step == Step::reply) == !gated.reply.empty());
  if (gated.step == Step::reply)
    check_records(policy, check_reply(gated.reply, query, to == Carrier::udp ? 1232 : 65535));
  return 0;
}

// Questions of guests and answers of servers, as bytes on both sides.
#include "egress/name_gate.h"

#include <fmt/format.h>

#include "catch.h"
#include "dns_answers.h"
#include "egress/bounds.h"

using namespace banger;
using namespace banger::egress;
using namespace dns_answers;
using namespace std::chrono_literals;

namespace {

constexpr Instant kNow(16000s);
const std::string kName = "www.example.org";

Policy make(const char* egress, const std::vector<std::string>& rules = {}) { return *Policy::make(egress, rules); }
const Policy kPolicy = make("none", {"*.example.org:443"});

GatedQuestion ask(const Policy& policy, const dns_wire::Ask& question, const std::string& additional = "") {
  return gate_question(policy, dns_wire::query(question, additional));
}

/// The reply, which must be a whole answer to a question with this id.
dns_wire::Answer parsed(const std::string& reply, unsigned id = 0x1234) {
  auto answer = dns_wire::parse(reply);
  CHECK(answer.whole);
  CHECK(answer.id == id);
  CHECK(answer.has(net::kDnsIsAnswer));
  return answer;
}

GatedAnswer pass(const Policy& policy, const std::vector<Part>& parts, About about = {.name = kName},
                 const std::string& additional = "") {
  auto question = ask(policy, {.name = kName, .type = about.type}, additional);
  REQUIRE(question.step == Step::ask);
  return gate_answer(policy, question, answer(about, parts), 7, Carrier::udp, Carrier::udp, kNow);
}

}  // namespace

TEST_CASE("name gate: an allowed name goes to the server, with another id") {
  auto question = ask(kPolicy, {.name = "WWW.Example.org"}, dns_wire::opt());
  CHECK(question.step == Step::ask);
  CHECK(question.reason == Reason::allowed);
  CHECK(question.name == kName);
  auto query = dns_wire::parse(server_query(question, 7));
  CHECK(query.whole);
  CHECK(query.id == 7);
  CHECK(query.flags == 0x0100);
  CHECK(query.records[0].name == "WWW.Example.org");
  CHECK(query.counts[3] == 1);
  CHECK(query.records[1].klass == 1232);
}

TEST_CASE("name gate: another name does not exist") {
  for (const char* name : {"example.org", "evil.org", "www.example.org.evil.org", "example.com", ""}) {
    INFO(name);
    auto question = ask(kPolicy, {.name = name}, dns_wire::opt());
    CHECK(question.step == Step::reply);
    CHECK((question.reason == Reason::name_not_allowed || question.reason == Reason::name_malformed));
    auto reply = parsed(question.reply);
    CHECK(reply.rcode() == 3);
    CHECK(reply.counts[0] == 1);
    CHECK(reply.counts[1] + reply.counts[2] == 0);
    CHECK(reply.counts[3] == 1);
  }
  CHECK(ask(make("none"), {.name = kName}).reason == Reason::name_not_allowed);
}

TEST_CASE("name gate: names that are no host names are refused under a policy, and asked under open") {
  for (const std::string& name :
       std::vector<std::string>{"a b.example.org", "1.2.3.4", "a\\b.example.org", "x\xff.org"}) {
    INFO(name);
    CHECK(ask(kPolicy, {.name = name}).reason == Reason::name_malformed);
    CHECK(ask(make("open"), {.name = name}).step == Step::ask);
  }
  CHECK(ask(make("open"), {.name = "x\xff.org"}).name.find('\xff') == std::string::npos);
}

TEST_CASE("name gate: a label with a dot in it is not two labels") {
  using dns_wire::u16;
  auto query = u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(0) + "\x0fwww.example.org" + '\0' + u16(1) + u16(1);
  CHECK(gate_question(kPolicy, query).reason == Reason::name_malformed);
}

TEST_CASE("name gate: IPv6 has an empty answer at once, HTTPS records under a policy too") {
  for (unsigned type : {28u, 65u, 64u}) {
    auto question = ask(kPolicy, {.name = kName, .type = type});
    CHECK(question.step == Step::reply);
    CHECK(question.reason == Reason::record_withheld);
    CHECK(parsed(question.reply).rcode() == 0);
    CHECK(parsed(question.reply).counts[1] == 0);
  }
  CHECK(ask(make("open"), {.name = kName, .type = 28}).step == Step::reply);
  CHECK(ask(make("open"), {.name = kName, .type = 65}).step == Step::ask);
}

TEST_CASE("name gate: what is no query has an error or nothing for an answer") {
  CHECK(gate_question(kPolicy, "").step == Step::drop);
  CHECK(gate_question(kPolicy, std::string(11, '\0')).step == Step::drop);
  CHECK(ask(kPolicy, {.name = kName, .flags = 0x8000}).step == Step::drop);
  auto rcode = [](const GatedQuestion& question) {
    CHECK(question.step == Step::reply);
    CHECK(question.reason == Reason::lookup_malformed);
    return parsed(question.reply).rcode();
  };
  CHECK(rcode(gate_question(kPolicy, dns_wire::query({.name = kName}) + "x")) == 1);
  CHECK(rcode(gate_question(kPolicy, answer({.name = kName, .id = 0x1234, .flags = 0}, {a(kName, "93.1.1.1")}))) == 1);
  CHECK(rcode(ask(kPolicy, {.name = kName, .flags = 0x2000})) == 4);
  CHECK(rcode(ask(kPolicy, {.name = kName, .klass = 3})) == 5);
  CHECK(rcode(ask(kPolicy, {.name = kName, .type = 252})) == 5);
  CHECK(rcode(ask(kPolicy, {.name = kName, .type = 251})) == 5);
}

TEST_CASE("name gate: an answer opens its addresses on the ports of the name") {
  auto gated = pass(kPolicy, {alias(kName, "cdn.net"), a("cdn.net", "93.184.216.34")});
  CHECK(gated.step == Step::reply);
  CHECK(gated.reason == Reason::allowed);
  CHECK(gated.openings == std::vector<Opening>{{0x5db8d822, kName, PortRange{443, 443}, kNow + 300s}});
  auto reply = parsed(gated.reply);
  CHECK(reply.counts[1] == 2);
  CHECK(reply.records[1].name == kName);
  CHECK(reply.records[2].name == "cdn.net");
  CHECK(reply.records[2].data == bytes_of("93.184.216.34"));
  CHECK(reply.has(0x0080));
}

TEST_CASE("name gate: an opening lasts at least as long as the guest's copy") {
  for (std::uint32_t ttl : {0u, 1u, 59u, 60u, 61u, 3600u, 3601u, 86400u, 0x7fffffffu, 0xffffffffu}) {
    INFO(ttl);
    auto gated = pass(kPolicy, {a(kName, "93.184.216.34", ttl)});
    auto stays = gated.openings.at(0).ends - kNow;
    CHECK(stays >= limits::kOpeningLeast);
    CHECK(stays <= limits::kOpeningMost);
    CHECK(stays >= std::chrono::seconds(parsed(gated.reply).records.at(1).ttl));
  }
}

TEST_CASE("name gate: an address in a closed range does not reach the guest") {
  auto gated = pass(kPolicy, {a(kName, "169.254.169.254"), a(kName, "10.1.2.3")});
  CHECK(gated.reason == Reason::answer_closed);
  CHECK(gated.openings.empty());
  CHECK(gated.withheld.size() == 2);
  CHECK(parsed(gated.reply).counts[1] == 0);
  CHECK(parsed(gated.reply).rcode() == 0);
}

TEST_CASE("name gate: an answer to something else is not the answer") {
  auto question = ask(kPolicy, {.name = kName});
  auto step = [&](const std::string& bytes) {
    auto gated = gate_answer(kPolicy, question, bytes, 7, Carrier::udp, Carrier::udp, kNow);
    CHECK(gated.openings.empty());
    if (gated.step == Step::drop) CHECK(gated.reason == Reason::answer_foreign);
    return gated.step;
  };
  std::vector<Part> parts = {a(kName, "93.184.216.34")};
  CHECK(step(answer({.name = kName, .id = 8}, parts)) == Step::drop);
  CHECK(step(answer({.name = kName, .flags = 0x0180}, parts)) == Step::drop);
  CHECK(step(answer({.name = "other.example.org"}, parts)) == Step::drop);
  CHECK(step(answer({.name = kName, .type = 16}, parts)) == Step::drop);
  CHECK(step(answer({.name = kName, .klass = 3}, parts)) == Step::drop);
  CHECK(step("") == Step::drop);
  CHECK(gate_answer(kPolicy, question, answer({.name = "wWw.eXample.org"}, parts), 7, Carrier::udp, Carrier::udp, kNow)
            .openings.size() == 1);
}

TEST_CASE("name gate: a malformed answer is a failure, and opens nothing") {
  auto question = ask(kPolicy, {.name = kName});
  auto whole = answer({.name = kName}, {a(kName, "93.184.216.34")});
  for (std::size_t size = 12; size < whole.size(); ++size) {
    auto gated = gate_answer(kPolicy, question, whole.substr(0, size), 7, Carrier::udp, Carrier::udp, kNow);
    CHECK(gated.step == Step::reply);
    CHECK(gated.reason == Reason::answer_malformed);
    CHECK(gated.openings.empty());
    CHECK(parsed(gated.reply).rcode() == 2);
  }
  CHECK(pass(kPolicy, {alias(kName, kName)}).reason == Reason::alias_chain);
  CHECK(parsed(pass(kPolicy, {alias(kName, kName)}).reply).rcode() == 2);
  CHECK(parsed(failure_reply(question)).rcode() == 2);
}

TEST_CASE("name gate: result codes of the server") {
  CHECK(parsed(pass(kPolicy, {}, {.name = kName, .flags = 0x8183}).reply).rcode() == 3);
  CHECK(parsed(pass(kPolicy, {}, {.name = kName}).reply).rcode() == 0);
  for (unsigned code : {1u, 2u, 4u, 5u}) {
    auto gated = pass(kPolicy, {a(kName, "93.184.216.34")}, {.name = kName, .flags = 0x8180 | code});
    CHECK(parsed(gated.reply).rcode() == 2);
    CHECK(gated.openings.empty());
  }
}

TEST_CASE("name gate: a truncated answer is asked for again over TCP, once") {
  auto question = ask(kPolicy, {.name = kName});
  auto cut = answer({.name = kName, .flags = 0x8380}, {});
  CHECK(gate_answer(kPolicy, question, cut, 7, Carrier::udp, Carrier::udp, kNow).step == Step::ask);
  auto again = gate_answer(kPolicy, question, cut, 7, Carrier::tcp, Carrier::udp, kNow);
  CHECK(again.step == Step::reply);
  CHECK(parsed(again.reply).rcode() == 2);
}

TEST_CASE("name gate: a reply fits the datagram that the guest takes") {
  std::vector<Part> parts;
  for (unsigned i = 0; i < 50; ++i) parts.push_back(a(kName, fmt::format("93.0.0.{}", i).c_str()));
  auto small = pass(kPolicy, parts);
  CHECK(parsed(small.reply).has(net::kDnsTruncated));
  CHECK(small.reply.size() <= 512);
  CHECK(small.openings.size() == 50);  // the guest asks again over TCP
  auto large = pass(kPolicy, parts, {.name = kName}, dns_wire::opt());
  CHECK(parsed(large.reply).counts[1] == 50);
  CHECK(large.reply.size() <= 1232);
  auto question = ask(kPolicy, {.name = kName});
  auto tcp = gate_answer(kPolicy, question, answer({.name = kName}, parts), 7, Carrier::udp, Carrier::tcp, kNow);
  CHECK(parsed(tcp.reply).counts[1] == 50);
}

TEST_CASE("name gate: open passes answers, but never closed addresses") {
  auto open = make("open");
  auto gated = pass(open, {a(kName, "93.184.216.34"), a(kName, "10.0.0.1")});
  CHECK(gated.openings.empty());
  CHECK(gated.withheld == std::vector<Ipv4>{0x0a000001});
  CHECK(parsed(gated.reply).counts[1] == 1);
  CHECK(parsed(pass(open, {{kName, 16, "\2hi"}}, {.name = kName, .type = 16}).reply).counts[1] == 1);
}

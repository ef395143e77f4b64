// The answer to each kind of question, byte for byte where a resolver cares.
#include "net/dns_message.h"

#include "catch.h"
#include "dns_wire.h"

using namespace banger;
using namespace dns_wire;

namespace {

constexpr unsigned kAuthoritative = 0x0400, kTruncated = 0x0200, kRecursionAvailable = 0x0080;

std::optional<host::Ipv4> two_hosts(std::string_view label) {
  if (label == "web") return 0x7f400001;
  if (label == std::string(63, 'a')) return 0x7f400002;
  return std::nullopt;
}

std::string raw(const std::string& bytes) {
  std::string answer = "left from before";
  net::answer_dns(bytes, two_hosts, answer);
  return answer;
}

Answer ask(const Ask& question, const std::string& additional = "") {
  auto bytes = raw(query(question, additional));
  auto answer = parse(bytes);
  CHECK(answer.whole);
  CHECK(answer.id == question.id);
  CHECK_FALSE(answer.has(kTruncated));
  CHECK_FALSE(answer.has(kRecursionAvailable));
  CHECK(bytes.size() <= net::kDnsAnswerBytes);
  return answer;
}

}  // namespace

TEST_CASE("dns: a VM's name has its address, for no time at all") {
  auto answer = ask({.name = "web.vm"});
  CHECK(answer.rcode() == 0);
  CHECK(answer.has(kAuthoritative));
  CHECK(answer.has(0x8000));
  CHECK(answer.has(0x0100));  // RD is repeated
  REQUIRE(answer.records.size() == 2);
  CHECK(answer.records[0].name == "web.vm");
  CHECK(answer.records[1].name == "web.vm");
  CHECK(answer.records[1].type == 1);
  CHECK(answer.records[1].klass == 1);
  CHECK(answer.records[1].ttl == 0);
  CHECK(answer.records[1].data == std::string("\x7f\x40\x00\x01", 4));
}

TEST_CASE("dns: letters' case does not matter, and comes back as it was asked") {
  auto answer = ask({.name = "wEB.Vm", .flags = 0});
  REQUIRE(answer.records.size() == 2);
  CHECK(answer.records[1].name == "wEB.Vm");
  CHECK_FALSE(answer.has(0x0100));
}

TEST_CASE("dns: ANY is answered with the address") {
  CHECK(ask({.name = "web.vm", .type = 255}).records.at(1).type == 1);
}

TEST_CASE("dns: a name that exists has no other kinds of records, which may not be remembered") {
  for (unsigned type : {28u, 15u, 16u, 65u, 2u}) {
    auto answer = ask({.name = "web.vm", .type = type});
    CHECK(answer.rcode() == 0);
    CHECK(answer.counts[1] == 0);
    REQUIRE(answer.counts[2] == 1);
    CHECK(answer.records[1].name == "vm");
    CHECK(answer.records[1].type == 6);
    CHECK(answer.records[1].ttl == 0);
    CHECK(answer.records[1].data.ends_with(std::string(4, '\0')));
  }
}

TEST_CASE("dns: names below .vm that no VM has are NXDOMAIN, with the zone's SOA") {
  for (const char* name : {"nobody.vm", "www.web.vm", "a.b.c.VM", "we.vm", "web.web.vm"}) {
    INFO(name);
    auto answer = ask({.name = name});
    CHECK(answer.rcode() == 3);
    CHECK(answer.has(kAuthoritative));
    CHECK(answer.counts[2] == 1);
  }
}

TEST_CASE("dns: every other name is NXDOMAIN, without authority") {
  for (const char* name : {"example.com", "web", "vm.example", "web.vmx", "web.v", ""}) {
    INFO(name);
    auto answer = ask({.name = name});
    CHECK(answer.rcode() == 3);
    CHECK_FALSE(answer.has(kAuthoritative));
    CHECK(answer.records.size() == 1);
  }
}

TEST_CASE("dns: the zone itself exists and has an SOA") {
  CHECK(ask({.name = "vm", .type = 6}).counts[1] == 1);
  auto other = ask({.name = "vm", .type = 1});
  CHECK(other.rcode() == 0);
  CHECK(other.counts[1] == 0);
  CHECK(other.counts[2] == 1);
}

TEST_CASE("dns: a label with a dot in it is not two labels") {
  auto bytes = raw(u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(0) + "\x06web.vm" + '\0' + u16(1) + u16(1));
  CHECK(parse(bytes).rcode() == 3);
}

TEST_CASE("dns: EDNS is answered with EDNS, and only then") {
  auto answer = ask({.name = "web.vm"}, opt());
  REQUIRE(answer.counts[3] == 1);
  CHECK(answer.records.back().type == 41);
  CHECK(answer.records.back().klass == 1232);
  CHECK(answer.counts[1] == 1);
  CHECK(ask({.name = "web.vm"}).counts[3] == 0);
}

TEST_CASE("dns: a future EDNS version is refused as such") {
  auto answer = ask({.name = "web.vm"}, opt(1));
  CHECK(answer.rcode() == 0);
  CHECK(answer.records.back().ttl >> 24 == 1);  // BADVERS, 16, is split in two
  CHECK(answer.counts[1] == 0);
}

TEST_CASE("dns: records it does not know are passed over") {
  auto tsig_like = name("key") + u16(250) + u16(255) + std::string(4, '\0') + u16(3) + "abc";
  CHECK(ask({.name = "web.vm"}, tsig_like).counts[1] == 1);
}

TEST_CASE("dns: a message that is no question gets no answer, so two servers cannot loop") {
  CHECK(raw("").empty());
  CHECK(raw(std::string(11, '\0')).empty());
  CHECK(raw(query({.name = "web.vm", .flags = 0x8000})).empty());
}

TEST_CASE("dns: what makes no sense is FORMERR without a question") {
  auto whole = query({.name = "web.vm"});
  std::vector<std::string> bad = {
      whole.substr(0, whole.size() - 1),
      whole + "x",
      query({.name = "web.vm"}, opt() + "x"),
      u16(7) + u16(0) + u16(2) + u16(0) + u16(0) + u16(0) + name("web.vm") + u16(1) + u16(1) + name("web.vm") + u16(1) +
          u16(1),
      u16(7) + u16(0) + u16(0) + u16(0) + u16(0) + u16(0),
      u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(0) + "\xc0\x0c" + u16(1) + u16(1),
      u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(0) + "\x03web\xc0\x0c" + u16(1) + u16(1),
      u16(7) + u16(0) + u16(1) + u16(1) + u16(0) + u16(0) + name("web.vm") + u16(1) + u16(1),
      u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(2) + name("web.vm") + u16(1) + u16(1) + opt() + opt(),
  };
  for (const auto& bytes : bad) {
    INFO(bytes.size());
    auto answer = parse(raw(bytes));
    CHECK(answer.whole);
    CHECK(answer.rcode() == 1);
    CHECK(answer.counts[1] + answer.counts[2] == 0);
  }
}

TEST_CASE("dns: other operations, classes and zone transfers are turned down") {
  CHECK(ask({.name = "web.vm", .flags = 0x2000}).rcode() == 4);
  CHECK(ask({.name = "web.vm", .klass = 3}).rcode() == 5);
  CHECK(ask({.name = "vm", .type = 252}).rcode() == 5);
  CHECK(ask({.name = "vm", .type = 251}).rcode() == 5);
}

TEST_CASE("dns: the longest labels and names fit, longer ones make no sense") {
  CHECK(ask({.name = std::string(63, 'A') + ".vm"}).counts[1] == 1);
  std::string label(63, 'x'), longest = label + "." + label + "." + label + "." + std::string(58, 'x') + ".vm";
  CHECK(ask({.name = longest}, opt()).rcode() == 3);
  CHECK(parse(raw(query({.name = "x" + longest}))).rcode() == 1);
  CHECK(parse(raw(query({.name = std::string(64, 'x') + ".vm"}))).rcode() == 1);
}

// DNS messages read as values, malformed in every way, then written anew.
#include "net/dns_packet.h"

#include "catch.h"
#include "dns_wire.h"

using namespace banger;
using namespace dns_wire;

namespace {

const std::string kPointer("\xc0\x0c", 2), kAddress("\x5d\xb8\xd8\x22", 4);

std::string record(const std::string& owner, unsigned type, const std::string& data, std::uint32_t ttl = 300) {
  return owner + u16(type) + u16(1) + u16(ttl >> 16) + u16(ttl & 0xffff) + u16(static_cast<unsigned>(data.size())) +
         data;
}

std::string answer(const std::string& records, unsigned count, const std::string& more = "", unsigned authorities = 0,
                   unsigned additionals = 0) {
  return u16(7) + u16(0x8180) + u16(1) + u16(count) + u16(authorities) + u16(additionals) + name("www.example.org") +
         u16(1) + u16(1) + records + more;
}

/// The records read by this code, which must agree with the plain reader of the tests about the message.
net::DnsPacket read(const std::string& bytes) {
  CHECK(parse(bytes).whole);
  auto packet = net::read_dns(bytes);
  REQUIRE(packet);
  return *packet;
}

}  // namespace

TEST_CASE("dns packet: a query is read with its question as it was written") {
  auto packet = read(query({.name = "WWW.Example.org", .type = 28}, opt(0, 1400)));
  CHECK(packet.id == 0x1234);
  CHECK(packet.name == name("www.example.org"));
  CHECK(packet.type == net::kDnsAaaa);
  CHECK(packet.klass == 1);
  CHECK(packet.question == name("WWW.Example.org") + u16(28) + u16(1));
  CHECK(packet.extended);
  CHECK(packet.udp_bytes == 1400);
  CHECK(read(query({.name = "a.b"})).udp_bytes == 512);
  CHECK(read(query({.name = "a.b"}, opt(0, 100))).udp_bytes == 512);
}

TEST_CASE("dns packet: pointers in owners and in data become names") {
  auto mail = u16(10) + "\x04mail" + kPointer;
  auto packet = read(answer(record(kPointer, 5,
                                   "\x03"
                                   "cdn" +
                                       std::string("\xc0\x10", 2)) +
                                record(kPointer, 15, mail),
                            2));
  REQUIRE(packet.answers.size() == 2);
  CHECK(packet.answers[0].owner == name("www.example.org"));
  CHECK(packet.answers[0].data == name("cdn.example.org"));
  CHECK(packet.answers[0].ttl == 300);
  CHECK(packet.answers[1].data == u16(10) + name("mail.www.example.org"));
}

TEST_CASE("dns packet: other sections are passed over, obsolete types with names are left out") {
  auto soa = record(kPointer, 6, name("ns.example.org") + name("who.example.org") + std::string(20, '\1'));
  auto packet = read(answer(record(kPointer, 14, name("a") + name("b")) + record(kPointer, 1, kAddress), 2,
                            soa + record(kPointer, 1, kAddress) + opt(), 1, 2));
  REQUIRE(packet.answers.size() == 1);
  CHECK(packet.answers[0].data == kAddress);
  CHECK(packet.extended);
}

TEST_CASE("dns packet: a time to live with the highest bit is none") {
  CHECK(read(answer(record(kPointer, 1, kAddress, 0x80000000), 1)).answers[0].ttl == 0);
}

TEST_CASE("dns packet: what is malformed is refused") {
  std::string label(63, 'x'), long_name = label + "." + label + "." + label + "." + label;
  const std::string bad[] = {
      "",
      std::string(11, '\0'),
      u16(7) + u16(0) + u16(0) + u16(0) + u16(0) + u16(0),
      u16(7) + u16(0) + u16(2) + u16(0) + u16(0) + u16(0) + name("a") + u16(1) + u16(1) + name("b") + u16(1) + u16(1),
      query({.name = "a.b"}) + "x",
      query({.name = long_name}),
      u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(0) + kPointer + u16(1) + u16(1),
      query({.name = "a.b"}, opt() + "x"),
      u16(7) + u16(0) + u16(1) + u16(0) + u16(0) + u16(2) + name("a") + u16(1) + u16(1) + opt() + opt(),
      answer(record(std::string("\xc0\x00", 2), 1, kAddress), 1),  // into the header
      answer(record(std::string("\xc0\x21", 2), 1, kAddress), 1),  // to itself
      answer(record(std::string("\xc0\x30", 2), 1, kAddress), 1),  // forward
      answer(record("\x40" + std::string(64, 'x') + '\0', 1, kAddress), 1),
      answer(record(kPointer, 5, name("cdn") + "x"), 1),  // data after the name
      answer(record(kPointer, 5,
                    "\x03"
                    "cd"),
             1),  // a name longer than its data
      answer(record(kPointer, 1, kAddress), 2),
  };
  for (const auto& bytes : bad) {
    INFO(&bytes - bad);
    CHECK_FALSE(net::read_dns(bytes));
  }
}

TEST_CASE("dns packet: no part of a message is a message") {
  auto whole = answer(record(kPointer, 5, name("cdn.example.net")) + record(name("cdn.example.net"), 1, kAddress), 2,
                      opt(), 0, 1);
  REQUIRE(net::read_dns(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(net::read_dns(whole.substr(0, size)));
}

TEST_CASE("dns packet: the number of records has a limit") {
  std::string records;
  for (int i = 0; i < 1025; ++i) records += record(kPointer, 1, kAddress);
  CHECK(net::read_dns(answer(records.substr(0, 1024 * 16), 1024)));
  auto refused = net::read_dns(answer(records, 1025));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
}

TEST_CASE("dns packet: names become texts only when the text means that name") {
  CHECK(net::dns_text(name("www.example.org")) == "www.example.org");
  CHECK(net::dns_text(std::string(1, '\0')) == "");
  CHECK_FALSE(
      net::dns_text(std::string("\x05"
                                "a.b.c",
                                7)));
  CHECK_FALSE(net::dns_text(std::string("\x01\\", 3)));
  CHECK_FALSE(net::dns_text(std::string("\x01 ", 3)));
  CHECK_FALSE(net::dns_text(std::string("\x02\xc3\xa4", 4)));
}

TEST_CASE("dns packet: what was written is read back the same") {
  auto packet = read(answer(record(kPointer, 5, name("cdn.example.net")) +
                                record(name("cdn.example.net"), 1, kAddress) + record(kPointer, 16, "\x02hi"),
                            3, opt(), 0, 1));
  auto bytes = net::write_dns(packet, 512);
  auto again = read(bytes);
  CHECK(again.answers == packet.answers);
  CHECK(again.question == packet.question);
  CHECK(again.flags == packet.flags);
  // Both names are written once.
  CHECK(bytes.find("example", bytes.find("example") + 1) == bytes.rfind("example"));
}

TEST_CASE("dns packet: what does not fit is truncated") {
  auto packet = read(answer(record(kPointer, 1, kAddress) + record(kPointer, 1, kAddress), 2, opt(), 0, 1));
  auto size = net::write_dns(packet, 512).size();
  CHECK(parse(net::write_dns(packet, size)).counts[1] == 2);
  auto cut = parse(net::write_dns(packet, size - 1));
  CHECK(cut.whole);
  CHECK(cut.has(net::kDnsTruncated));
  CHECK(cut.counts[1] == 0);
  CHECK(cut.counts[3] == 1);
}

TEST_CASE("dns packet: a result code beyond four bits is split as RFC 6891 has it") {
  auto packet = read(query({.name = "a.b"}, opt()));
  packet.rcode = 16;
  auto written = parse(net::write_dns(packet, 512));
  CHECK(written.rcode() == 0);
  CHECK(written.records.back().ttl >> 24 == 1);
  CHECK(read(net::write_dns(packet, 512)).rcode == 16);
}

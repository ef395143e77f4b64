// Questions to a name server, and answers of every kind, also those of a server that sends rubbish.
#include "net/dns_query.h"

#include "catch.h"
#include "net/dns_wire.h"

using namespace banger;

namespace {

constexpr std::uint16_t kId = 0x1234;

std::string answer_to(const std::string& name, const std::string& records, unsigned count, unsigned flags = 0x8180) {
  return dns_wire::u16(kId) + dns_wire::u16(flags) + dns_wire::u16(1) + dns_wire::u16(count) + dns_wire::u16(0) +
         dns_wire::u16(0) + dns_wire::name(name) + dns_wire::u16(1) + dns_wire::u16(1) + records;
}

std::string record(const std::string& owner, unsigned type, const std::string& data) {
  return owner + dns_wire::u16(type) + dns_wire::u16(1) + std::string(4, '\0') +
         dns_wire::u16(static_cast<unsigned>(data.size())) + data;
}

const std::string kPointer("\xc0\x0c", 2), kAddress("\x7f\x40\x00\x03", 4);

}  // namespace

TEST_CASE("dns query: a question is what a resolver would write") {
  CHECK(net::dns_question("web.vm", kId) == dns_wire::query({.name = "web.vm", .id = kId}));
}

TEST_CASE("dns query: the server of this folder understands the question") {
  std::string answer;
  net::answer_dns(net::dns_question("web.vm", kId), [](auto) { return std::optional<host::Ipv4>(0x7f400003); }, answer);
  CHECK(net::address_in_answer(answer, kId) == 0x7f400003);
  net::answer_dns(net::dns_question("no.vm", kId), [](auto) { return std::optional<host::Ipv4>(); }, answer);
  CHECK_FALSE(net::address_in_answer(answer, kId));
}

TEST_CASE("dns query: an alias before the address is passed over") {
  auto alias = record(kPointer, 5, dns_wire::name("other.vm"));
  CHECK(net::address_in_answer(answer_to("web.vm", alias + record(kPointer, 1, kAddress), 2), kId) == 0x7f400003);
}

TEST_CASE("dns query: another id, an error or a question is no answer") {
  auto whole = answer_to("web.vm", record(kPointer, 1, kAddress), 1);
  REQUIRE(net::address_in_answer(whole, kId));
  CHECK_FALSE(net::address_in_answer(whole, kId + 1));
  CHECK_FALSE(net::address_in_answer(answer_to("web.vm", record(kPointer, 1, kAddress), 1, 0x8183), kId));
  CHECK_FALSE(net::address_in_answer(answer_to("web.vm", record(kPointer, 1, kAddress), 1, 0x0100), kId));
}

TEST_CASE("dns query: no part of an answer gives an address") {
  auto whole = answer_to("web.vm", record(kPointer, 1, kAddress), 1);
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(net::address_in_answer(std::string_view(whole).substr(0, length), kId));
  CHECK_FALSE(net::address_in_answer(answer_to("web.vm", record(kPointer, 1, "abc"), 1), kId));
  CHECK_FALSE(net::address_in_answer(answer_to("web.vm", "", 65535), kId));
}

// Lookups through the gate: who is asked, what the guest gets, and what is open when it gets that.
#include "roles/gate/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "names_fixture.h"

using namespace banger;
using namespace banger::roles::gate;
using namespace std::chrono_literals;
using dns_answers::a;
using egress::Reason;
using Questions = std::vector<std::string>;

namespace {

constexpr net::Ipv4 kAddress = 0x5db8d822, kPeer = 0xac100007;
constexpr const char *kText = "93.184.216.34", *kPeerText = "172.16.0.7", *kName = "www.example.org";

}  // namespace

TEST_CASE("gate names: an allowed name's addresses are open on its ports when the answer arrives") {
  NamesFixture f;
  f.outside.parts = {a(kName, kText)};
  auto guest = f.client();
  f.send(guest, dns_wire::query({.name = kName, .id = 77}));
  CHECK_FALSE(f.is_open(kAddress, 443));
  auto bytes = f.hear(guest);
  CHECK(f.is_open(kAddress, 443));
  CHECK_FALSE(f.is_open(kAddress, 80));
  REQUIRE(bytes);
  auto answer = dns_wire::parse(*bytes);
  CHECK(answer.id == 77);
  CHECK(answer.counts[1] == 1);
  CHECK(answer.records.at(1).data == dns_answers::bytes_of(kText));
  // The first server is down.
  CHECK(f.outside.questions == Questions{std::string("udp ") + kName});
  CHECK(f.guest()->log().since(0).empty());
}

TEST_CASE("gate names: a refused name does not exist, and nobody is asked") {
  NamesFixture f;
  for (int i = 0; i < 2; ++i) CHECK(f.ask("evil.net").rcode() == 3);
  CHECK(f.outside.questions.empty());
  CHECK(f.vm_names.questions.empty());
  auto rows = f.guest()->log().since(0);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].name == "evil.net");
  CHECK(rows[0].reason == Reason::name_not_allowed);
  CHECK(rows[0].count == 2);
  REQUIRE(f.guests.refusals_after(0).size() == 1);
  CHECK(f.guests.refusals_after(0)[0].sentence == "no rule of the policy allows the name evil.net");
}

TEST_CASE("gate names: IPv6 addresses are withheld without a word in the log") {
  NamesFixture f;
  auto answer = f.ask(kName, 28);
  CHECK(answer.rcode() == 0);
  CHECK(answer.counts[1] == 0);
  CHECK(f.outside.questions.empty());
  CHECK(f.guest()->log().since(0).empty());
}

TEST_CASE("gate names: an answer that leads into a closed network opens nothing") {
  NamesFixture f;
  f.outside.parts = {a(kName, "10.0.0.1"), a(kName, kPeerText)};
  CHECK(f.ask(kName).counts[1] == 0);
  CHECK(f.guest()->openings().size() == 0);
  REQUIRE(f.guests.refusals_after(0).size() == 1);
  CHECK(f.guest()->log().since(0).at(0).reason == Reason::answer_closed);
}

TEST_CASE("gate names: a truncated answer is asked for over TCP") {
  NamesFixture f;
  f.outside.udp_flags = 0x8380;
  f.outside.parts = {a(kName, kText)};
  CHECK(f.ask(kName).counts[1] == 1);
  CHECK(f.is_open(kAddress, 443));
  CHECK(f.outside.questions == Questions{std::string("udp ") + kName, std::string("tcp ") + kName});
}

TEST_CASE("gate names: over TCP a guest gets answers that no datagram holds") {
  NamesFixture f;
  for (int i = 0; i < 60; ++i) f.outside.parts.push_back(a(kName, fmt::format("93.0.0.{}", i).c_str()));
  CHECK(f.ask(kName).has(net::kDnsTruncated));
  auto guest = f.client(SOCK_STREAM);
  f.send(guest, net::framed_dns_message(dns_wire::query({.name = kName, .id = 77})));
  std::string bytes;
  auto whole = [&] {
    return bytes.size() >= 2 && bytes.size() - 2 >= std::size_t{static_cast<unsigned char>(bytes[0])} * 256 +
                                                        static_cast<unsigned char>(bytes[1]);
  };
  while (!whole()) {
    auto more = f.hear(guest);
    REQUIRE(more);
    REQUIRE(!more->empty());
    bytes += *more;
  }
  auto answer = dns_wire::parse(bytes.substr(2));
  CHECK(answer.whole);
  CHECK(answer.counts[1] == 60);
}

TEST_CASE("gate names: names of VMs are asked of the server for them, and open addresses of VMs") {
  NamesFixture f;
  f.vm_names.parts = {a("web.vm", kPeerText)};
  CHECK(f.ask("web.vm").counts[1] == 1);
  CHECK(f.vm_names.questions == Questions{"udp web.vm"});
  CHECK(f.outside.questions.empty());
  CHECK(f.is_open(kPeer, 80));
  CHECK_FALSE(f.is_open(kPeer, 443));
  CHECK(f.ask("WEB.vm").counts[1] == 1);
  CHECK(f.outside.questions.empty());
}

TEST_CASE("gate names: without a server for names of VMs, nobody else is asked for them") {
  NamesFixture f(false);
  CHECK(f.ask("web.vm").rcode() == 2);
  CHECK(f.outside.questions.empty());
}

TEST_CASE("gate names: an answer that comes after a change of the policy is dropped") {
  for (const char* changes_at : {"udp", "tcp"}) {
    INFO(changes_at);
    NamesFixture f;
    f.outside.udp_flags = 0x8380;
    f.outside.parts = {a(kName, kText)};
    f.outside.on_question = [&] {
      if (f.outside.questions.back().starts_with(changes_at)) f.set({"*.example.org:443"});
    };
    auto guest = f.client();
    f.send(guest, dns_wire::query({.name = kName}));
    CHECK_FALSE(f.hear(guest, 100ms));
    REQUIRE_FALSE(f.outside.questions.empty());
    CHECK(f.outside.questions.back().starts_with(changes_at));
    CHECK(f.guest()->openings().size() == 0);
  }
}

TEST_CASE("gate names: an answer that comes after the end of its guest is dropped") {
  NamesFixture f;
  f.outside.parts = {a(kName, kText)};
  f.outside.holds = true;
  auto asks = f.client();
  f.send(asks, dns_wire::query({.name = kName}));
  for (int i = 0; i < 1000 && f.outside.questions.empty(); ++i) f.pass_time();
  REQUIRE(f.outside.questions.size() == 1);
  auto guest = f.guest();
  f.guests.forget(kVm);
  f.outside.release();
  CHECK_FALSE(f.hear(asks, 50ms));
  CHECK(guest->openings().size() == 0);
}

TEST_CASE("gate names: who has no policy gets no answer") {
  NamesFixture f;
  auto stranger = f.client(SOCK_DGRAM, kStranger);
  f.send(stranger, dns_wire::query({.name = kName}));
  CHECK_FALSE(f.hear(stranger, 50ms));
  auto connection = f.client(SOCK_STREAM, kStranger);
  f.send(connection, net::framed_dns_message(dns_wire::query({.name = kName})));
  CHECK(f.hear(connection) == "");
  CHECK(f.outside.questions.empty());
}

TEST_CASE("gate names: what is no question is told in the log") {
  NamesFixture f;
  auto guest = f.client();
  f.send(guest, "rubbish");
  CHECK_FALSE(f.hear(guest, 50ms));
  REQUIRE(f.guest()->log().since(0).size() == 1);
  CHECK(f.guest()->log().since(0)[0].reason == Reason::lookup_malformed);
}

TEST_CASE("gate names: each question has a number of its own outside") {
  NamesFixture f;
  f.outside.parts = {a(kName, kText)};
  for (int i = 0; i < 4; ++i) f.ask(kName);
  CHECK(f.outside.questions.size() == 4);
  CHECK(std::ranges::count(f.outside.numbers, 77u) <= 1);
}

// TLS connections through the gate: the first words decide, and everything passes as it is.
#include "roles/gate/tls.h"

#include "egress/tls_wire.h"
#include "flow_fixture.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

Task<> from_start(FlowPtr flow) { return pass_tls(std::move(flow), ""); }

const std::string kHello = tls_wire::usual("web.vm"), kEvil = tls_wire::usual("evil.org");
const std::string kDenied("\x15\x03\x03\x00\x02\x02\x31", 7);

std::string server_hello(const std::string& random) {
  using namespace tls_wire;
  return records(number(2, 1) + sized(number(0x0303, 2) + random + sized("", 1) + number(0x1301, 2) + number(0, 1), 3));
}
const std::string kAnswer = server_hello(std::string(32, 'r'));
const std::string kRetry = server_hello(
    std::string("\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07"
                "\x9e\x09\xe2\xc8\xa8\x33\x9c",
                32));
const std::string kChange("\x14\x03\x03\x00\x01\x01", 6);  // ChangeCipherSpec, which clients send in between

}  // namespace

TEST_CASE("gate tls: an allowed connection passes byte for byte, and each direction ends by itself") {
  FlowFixture f;
  auto guest = f.connect(from_start);
  f.send(guest, kHello);
  auto server = f.caller();
  CHECK(f.hears(server, kHello));
  f.send(server, kAnswer);
  CHECK(f.hears(guest, kAnswer));
  std::string bytes("\0\x16\xff\r\n", 5);
  f.send(guest, bytes);
  CHECK(f.hears(server, bytes));
  guest->stream->shutdown_write();
  CHECK(f.ends(server));
  f.send(server, "more");
  CHECK(f.hears(guest, "more"));
  server->stream->shutdown_write();
  CHECK(f.ends(guest));
  CHECK(f.all_over());
  CHECK(f.guests.passages() == 0);
}

TEST_CASE("gate tls: the log has one row for a connection, with all of its bytes") {
  FlowFixture f;
  auto guest = f.connect(from_start);
  f.send(guest, kHello);
  auto server = f.caller();
  f.send(server, kAnswer);
  CHECK(f.hears(guest, kAnswer));
  f.send(guest, "12345");
  CHECK(f.hears(server, kHello + "12345"));
  f.send(server, "123");
  CHECK(f.hears(guest, "123"));
  guest->stream->shutdown_write();
  server->stream->shutdown_write();
  REQUIRE(f.all_over());
  REQUIRE(f.rows().size() == 1);
  auto row = f.rows()[0];
  CHECK(row.name == "web.vm");
  CHECK(Destination{row.address, row.port} == f.server());
  CHECK(row.reason == Reason::allowed);
  CHECK(row.count == 1);
  CHECK(row.sent == kHello.size() + 5);
  CHECK(row.received == kAnswer.size() + 3);
  CHECK(f.guests.refusals_after(0).empty());
}

TEST_CASE("gate tls: the hello may come in any pieces, and nobody is connected before it is whole") {
  FlowFixture f;
  auto guest = f.connect(from_start);
  std::size_t sent = 0;
  for (auto cut : {std::size_t{1}, std::size_t{5}, std::size_t{6}, std::size_t{60}, kHello.size() - 1}) {
    f.send(guest, kHello.substr(sent, cut - sent));
    sent = cut;
    CHECK(f.nobody_calls());
  }
  f.send(guest, kHello.substr(kHello.size() - 1));
  CHECK(f.hears(f.caller(), kHello));
}

TEST_CASE("gate tls: a refused name gets an alert, and the server sees nothing") {
  FlowFixture f;
  for (std::uint64_t count : {1, 2}) {
    auto guest = f.connect(from_start);
    f.send(guest, kEvil);
    CHECK(f.hears(guest, kDenied));
    CHECK(f.ends(guest));
    CHECK(f.nobody_calls());
    REQUIRE(f.rows().size() == 1);
    CHECK(f.rows()[0].name == "evil.org");
    CHECK(f.rows()[0].reason == Reason::name_not_allowed);
    CHECK(f.rows()[0].count == count);
  }
  // The daemon is told once.
  auto refusals = f.guests.refusals_after(0);
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].vm_id == kVm);
  CHECK(refusals[0].sentence == "no rule of the policy allows the name evil.org");
}

TEST_CASE("gate tls: what is no hello with a name is refused too") {
  FlowFixture f;
  using namespace tls_wire;
  const std::pair<std::string, Reason> bad[] = {
      {"GET / HTTP/1.1\r\nHost: web.vm\r\n\r\n", Reason::not_tls},
      {hello(""), Reason::name_missing},
      {hello(server_names({"127.0.1.5"})), Reason::name_is_address},
      {hello(server_names({"web.vm"}) + extension(0xfe0d, "x")), Reason::name_encrypted},
      {hello(extension(0, "")), Reason::hello_malformed},
  };
  for (const auto& [bytes, reason] : bad) {
    auto guest = f.connect(from_start);
    f.send(guest, bytes);
    CHECK(f.hears(guest, kDenied));
    CHECK(f.refused().reason == reason);
  }
  CHECK(f.nobody_calls());
}

TEST_CASE("gate tls: a hello that ends before it is whole is refused") {
  FlowFixture f;
  auto guest = f.connect(from_start);
  f.send(guest, kHello.substr(0, 100));
  guest->stream->shutdown_write();
  CHECK(f.hears(guest, kDenied));
  CHECK(f.ends(guest));
  CHECK(f.all_over());
  CHECK(f.nobody_calls());
  CHECK(f.refused().reason == Reason::hello_malformed);
}

TEST_CASE("gate tls: what follows the hello waits until the server has answered") {
  FlowFixture f;
  auto guest = f.connect(from_start);
  f.send(guest, kHello + "early");
  auto server = f.caller();
  CHECK(f.hears(server, kHello));
  CHECK(f.is_quiet(server));
  f.send(guest, "late");
  f.send(server, kAnswer.substr(0, 20));
  CHECK(f.hears(guest, kAnswer.substr(0, 20)));
  CHECK(f.is_quiet(server));
  f.send(server, kAnswer.substr(20));
  CHECK(f.hears(server, "earlylate"));
  CHECK(f.hears(guest, kAnswer.substr(20)));
}

TEST_CASE("gate tls: a server that ends its answers early does not hold up the guest") {
  FlowFixture f;
  auto guest = f.connect(from_start);
  f.send(guest, kHello + "early");
  auto server = f.caller();
  CHECK(f.hears(server, kHello));
  server->stream->shutdown_write();
  CHECK(f.hears(server, "early"));
  CHECK(f.ends(guest));
}

TEST_CASE("gate tls: a second hello for the same name passes, and what follows it too") {
  FlowFixture f;
  for (bool at_once : {false, true}) {
    auto guest = f.connect(from_start);
    f.send(guest, at_once ? kHello + kChange + kHello + "rest" : kHello);
    auto server = f.caller();
    CHECK(f.hears(server, kHello));
    CHECK(f.is_quiet(server));
    f.send(server, kRetry);
    CHECK(f.hears(guest, kRetry));
    if (!at_once) f.send(guest, kChange + kHello + "rest");
    CHECK(f.hears(server, kChange + kHello + "rest"));
    f.send(server, kAnswer);
    CHECK(f.hears(guest, kAnswer));
  }
}

TEST_CASE("gate tls: a second hello for another name is cut, and the server never sees it") {
  FlowFixture f;
  f.set({"*.vm", "evil.org"});
  for (bool at_once : {false, true}) {
    auto guest = f.connect(from_start);
    f.send(guest, at_once ? kHello + kEvil : kHello);
    auto server = f.caller();
    CHECK(f.hears(server, kHello));
    f.send(server, kRetry);
    if (!at_once) f.send(guest, kChange + kEvil);
    CHECK(f.until([&] { return guest->state == Peer::broken; }));
    CHECK(f.breaks(server));
  }
  CHECK(f.refused().reason == Reason::names_differ);
  CHECK(f.all_over());
}

// Requests without TLS through the gate: each one has a verdict, and those that are allowed pass as they are.
#include "roles/gate/http.h"

#include <algorithm>

#include "flow_fixture.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

std::string get(const std::string& host, const std::string& fields = "") {
  return "GET /a?b HTTP/1.1\r\nhOsT: " + host + "\r\nX: \t y \r\n" + fields + "\r\n";
}
std::string post(const std::string& host, const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n" + body;
}
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("gate http: an allowed request passes byte for byte, and each direction ends by itself") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, get("web.vm"));
  auto server = f.caller();
  CHECK(f.hears(server, get("web.vm")));
  f.send(server, kOk);
  CHECK(f.hears(guest, kOk));
  guest->stream->shutdown_write();
  CHECK(f.ends(server));
  f.send(server, "late");
  CHECK(f.hears(guest, "late"));
  server->stream->shutdown_write();
  CHECK(f.ends(guest));
  REQUIRE(f.all_over());
  REQUIRE(f.rows().size() == 1);
  auto row = f.rows()[0];
  CHECK(row.name == "web.vm");
  CHECK(Destination{row.address, row.port} == f.server());
  CHECK(row.reason == Reason::allowed);
  CHECK(row.count == 1);
  CHECK(row.sent == get("web.vm").size());
  CHECK(row.received == kOk.size() + 4);
}

TEST_CASE("gate http: the first request may come in any pieces, and nobody is connected before its head is whole") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  auto text = post("web.vm", "Content-Length: 5\r\n", "");
  f.send(guest, text.substr(0, 1));
  CHECK(f.nobody_calls());
  f.send(guest, text.substr(1, text.size() - 2));
  CHECK(f.nobody_calls());
  f.send(guest, text.substr(text.size() - 1));
  auto server = f.caller();
  CHECK(f.hears(server, text));
  for (char c : std::string("hello")) {
    f.send(guest, std::string(1, c));
    CHECK(f.hears(server, std::string(1, c)));
  }
}

TEST_CASE("gate http: bodies pass, and the next request after each has its own verdict") {
  FlowFixture f;
  auto length = post("web.vm", "Content-Length: 11\r\n", "GET / HTTP/");
  auto chunked =
      post("web.vm", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nB\r\nGET / HTTP/\r\n0\r\nA: b\r\n\r\n");
  auto guest = f.connect(pass_requests);
  f.send(guest, length + chunked + get("web.vm"));
  auto server = f.caller();
  CHECK(f.hears(server, length + chunked + get("web.vm")));
  f.send(guest, get("web.vm") + get("evil.org"));
  CHECK(f.hears(server, get("web.vm")));
  CHECK(f.breaks(server));
  CHECK(f.breaks(guest));
  CHECK(f.refused().reason == Reason::name_not_allowed);
  CHECK(f.refused().name == "evil.org");
}

TEST_CASE("gate http: a second request for another host is cut, and the server never sees it") {
  FlowFixture f;
  const std::pair<std::string, Reason> bad[] = {
      {get("evil.org"), Reason::name_not_allowed},
      {get("127.0.1.5"), Reason::name_is_address},
      {"GET / HTTP/1.1\r\n\r\n", Reason::not_http},
      {"rubbish\n", Reason::not_http},
      {"CONNECT web.vm:443 HTTP/1.1\r\nHost: web.vm\r\n\r\n", Reason::not_a_proxy},
      {get("web.vm:1"), Reason::not_a_proxy},
  };
  for (const auto& [second, reason] : bad) {
    for (bool at_once : {false, true}) {
      INFO(second << at_once);
      auto guest = f.connect(pass_requests);
      f.send(guest, at_once ? get("web.vm") + second : get("web.vm"));
      auto server = f.caller();
      CHECK(f.hears(server, get("web.vm")));
      if (!at_once) f.send(guest, second);
      CHECK(f.breaks(server));
      CHECK(f.breaks(guest));
      CHECK(f.refused().reason == reason);
    }
  }
  CHECK(f.all_over());
}

TEST_CASE("gate http: a second request for another host that the policy has passes") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, get("web.vm") + get("other.vm"));
  auto server = f.caller();
  CHECK(f.hears(server, get("web.vm") + get("other.vm")));
  f.send(guest, get("web.vm"));
  CHECK(f.hears(server, get("web.vm")));
  guest->stream->shutdown_write();
  server->stream->shutdown_write();
  REQUIRE(f.all_over());
  // Each name has its own bytes.
  auto rows = f.rows();
  std::ranges::sort(rows, {}, &egress::LogRow::name);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].name == "other.vm");
  CHECK(rows[0].sent == get("other.vm").size());
  CHECK(rows[1].sent == 2 * get("web.vm").size());
}

TEST_CASE("gate http: later requests pass although the lookup's time is over, and by the policy of the moment") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, get("web.vm"));
  auto server = f.caller();
  CHECK(f.hears(server, get("web.vm")));
  f.guest()->openings().clear();
  f.send(guest, get("web.vm"));
  CHECK(f.hears(server, get("web.vm")));
  f.set({"web.vm"});
  f.send(guest, get("web.vm") + get("other.vm"));
  CHECK(f.hears(server, get("web.vm")));
  CHECK(f.breaks(server));
}

TEST_CASE("gate http: a refused first request gets 403 with the reason, and the server sees nothing") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, get("evil.org"));
  std::string body =
      "banger: the egress policy of this VM refuses the request: no rule of the policy allows the name "
      "evil.org (hint: add a rule with --allow)\n";
  CHECK(f.hears(guest, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body));
  CHECK(f.ends(guest));
  CHECK(f.nobody_calls());
  REQUIRE(f.rows().size() == 1);
  CHECK(f.rows()[0].reason == Reason::name_not_allowed);
  REQUIRE(f.guests.refusals_after(0).size() == 1);
  CHECK(f.guests.refusals_after(0)[0].sentence == "no rule of the policy allows the name evil.org");
}

TEST_CASE("gate http: what is no request, or ends before its head is whole, is refused") {
  FlowFixture f;
  for (const char* text : {"SSH-2.0-x\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: web.vm\r\n"}) {
    INFO(text);
    auto guest = f.connect(pass_requests);
    f.send(guest, text);
    guest->stream->shutdown_write();
    CHECK(f.hear(guest, 12) == "HTTP/1.1 403");
    CHECK(f.refused().reason == Reason::not_http);
    CHECK(f.until([&] { return guest->state == Peer::ended; }));
  }
  CHECK(f.nobody_calls());
  CHECK(f.all_over());
}

TEST_CASE("gate http: a guest that says nothing leaves no trace") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  guest->stream->shutdown_write();
  CHECK(f.ends(guest));
  CHECK(f.all_over());
  CHECK(f.nobody_calls());
  CHECK(f.rows().empty());
}

TEST_CASE("gate http: a malformed body is cut at its first wrong byte") {
  FlowFixture f;
  auto head = post("web.vm", "Transfer-Encoding: chunked\r\n", "");
  auto guest = f.connect(pass_requests);
  f.send(guest, head + "5\r\nhello\r\n5;x\r\nhello\r\n0\r\n\r\n");
  auto server = f.caller();
  CHECK(f.hears(server, head + "5\r\nhello\r\n5"));
  CHECK(f.breaks(server));
  CHECK(f.breaks(guest));
  CHECK(f.all_over());
}

TEST_CASE("gate http: a body that ends early does not look whole") {
  FlowFixture f;
  auto text = post("web.vm", "Content-Length: 5\r\n", "hell");
  auto guest = f.connect(pass_requests);
  f.send(guest, text);
  auto server = f.caller();
  CHECK(f.hears(server, text));
  guest->stream->shutdown_write();
  CHECK(f.breaks(server));
}

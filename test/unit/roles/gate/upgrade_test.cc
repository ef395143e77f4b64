// Requests that switch to WebSocket: bytes pass unjudged only once the server has agreed.
#include "flow_fixture.h"
#include "roles/gate/http.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

std::string request(const std::string& host, const std::string& upgrade = "") {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n" +
         (upgrade.empty() ? "" : "Connection: Upgrade\r\nUpgrade: " + upgrade + "\r\n") + "\r\n";
}
const std::string kUpgrade = request("web.vm", "websocket");
const std::string kSwitched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

}  // namespace

TEST_CASE("gate http: after the switch to WebSocket any bytes pass both ways") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, kUpgrade + "early");
  auto server = f.caller();
  CHECK(f.hears(server, kUpgrade));
  CHECK(f.is_quiet(server));
  f.send(server, kSwitched);
  CHECK(f.hears(guest, kSwitched));
  CHECK(f.hears(server, "early"));
  f.send(guest, request("evil.org"));
  CHECK(f.hears(server, request("evil.org")));
  f.send(server, "frames");
  CHECK(f.hears(guest, "frames"));
  guest->stream->shutdown_write();
  CHECK(f.ends(server));
  server->stream->shutdown_write();
  CHECK(f.ends(guest));
  CHECK(f.all_over());
}

TEST_CASE("gate http: the server's status may come in any pieces") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, kUpgrade + request("evil.org"));
  auto server = f.caller();
  CHECK(f.hears(server, kUpgrade));
  f.send(server, kSwitched.substr(0, 12));
  CHECK(f.hears(guest, kSwitched.substr(0, 12)));
  CHECK(f.is_quiet(server));
  f.send(server, kSwitched.substr(12));
  CHECK(f.hears(server, request("evil.org")));
}

TEST_CASE("gate http: a server that does not switch gets further requests, each with its verdict") {
  for (const std::string& answer :
       {kOk, std::string("HTTP/1.1 1010\r\n\r\n"), std::string("HTTP/1.1 100 Continue\r\n\r\n") + kSwitched}) {
    INFO(answer);
    FlowFixture f;
    auto guest = f.connect(pass_requests);
    f.send(guest, kUpgrade + request("web.vm") + request("evil.org"));
    auto server = f.caller();
    CHECK(f.hears(server, kUpgrade));
    CHECK(f.is_quiet(server));
    f.send(server, answer);
    CHECK(f.hears(server, request("web.vm")));
    CHECK(f.breaks(server));
    CHECK(f.refused().reason == Reason::name_not_allowed);
  }
}

TEST_CASE("gate http: a server that ends without an answer gets further requests, each with its verdict") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, kUpgrade + request("web.vm") + request("evil.org"));
  auto server = f.caller();
  CHECK(f.hears(server, kUpgrade));
  server->stream->shutdown_write();
  CHECK(f.hears(server, request("web.vm")));
  CHECK(f.breaks(server));
}

TEST_CASE("gate http: only the first request of a connection may switch") {
  FlowFixture f;
  auto guest = f.connect(pass_requests);
  f.send(guest, request("web.vm") + kUpgrade);
  auto server = f.caller();
  CHECK(f.hears(server, request("web.vm")));
  CHECK(f.breaks(server));
  CHECK(f.breaks(guest));
  CHECK(f.refused().reason == Reason::protocol_switch);
}

TEST_CASE("gate http: a switch to another protocol, or at a refused host, gets 403") {
  FlowFixture f;
  for (const auto& text :
       {request("web.vm", "h2c"), request("web.vm", "websocket, h2c"), request("evil.org", "websocket")}) {
    INFO(text);
    auto guest = f.connect(pass_requests);
    f.send(guest, text);
    CHECK(f.hear(guest, 12) == "HTTP/1.1 403");
  }
  CHECK(f.nobody_calls());
}

TEST_CASE("gate http: the body of a request that switches passes before the answer") {
  FlowFixture f;
  auto text = "POST / HTTP/1.1\r\nHost: web.vm\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello";
  auto guest = f.connect(pass_requests);
  f.send(guest, std::string(text) + "early");
  auto server = f.caller();
  CHECK(f.hears(server, text));
  CHECK(f.is_quiet(server));
  f.send(server, kSwitched);
  CHECK(f.hears(server, "early"));
}

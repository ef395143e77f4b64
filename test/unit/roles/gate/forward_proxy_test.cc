// Guests with a policy that use the host's proxy: what they ask of its relay, which here is the server of the fixtures.
#include "roles/gate/forward_proxy.h"

#include "egress/tls_wire.h"
#include "ended_fixture.h"
#include "flow_fixture.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

const std::string kOpened = "HTTP/1.1 200 Connection established\r\n\r\n";

std::string connect_to(const std::string& target) {
  return "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
}
std::string get(const std::string& host) { return "GET http://" + host + "/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

/// A guest with a tunnel, and the relay's end of it.
std::pair<PeerPtr, PeerPtr> tunnel(FlowFixture& f, const std::string& target) {
  auto guest = f.connect(pass_to_proxy);
  f.send(guest, connect_to(target));
  auto relay = f.caller();
  CHECK(f.hears(relay, connect_to(target)));
  f.send(relay, kOpened);
  CHECK(f.hears(guest, kOpened));
  return {guest, relay};
}

std::string read_head(int socket) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(socket, &byte, 1, 0) == 1) head += byte;
  return head;
}
void say(int socket, const std::string& text) { (void)::send(socket, text.data(), text.size(), MSG_NOSIGNAL); }

}  // namespace

TEST_CASE("gate proxy: a tunnel to an allowed name passes, and the log has the name without an address") {
  FlowFixture f;
  auto guest = f.connect(pass_to_proxy);
  f.send(guest, connect_to("web.vm:8022") + "hello\r\n");
  auto relay = f.caller();
  CHECK(f.hears(relay, connect_to("web.vm:8022")));
  CHECK(f.is_quiet(relay));
  f.send(relay, kOpened + "SSH-2.0");
  CHECK(f.hears(guest, kOpened + "SSH-2.0"));
  CHECK(f.hears(relay, "hello\r\n"));
  guest->stream->shutdown_write();
  CHECK(f.ends(relay));
  f.send(relay, "more");
  relay->stream->shutdown_write();
  CHECK(f.hears(guest, "more"));
  CHECK(f.ends(guest));
  CHECK(f.all_over());
  REQUIRE(f.rows().size() == 1);
  auto row = f.rows()[0];
  CHECK(row.name == "web.vm");
  CHECK(row.port == 8022);
  CHECK(row.address == 0);
  CHECK(row.reason == Reason::allowed);
}

TEST_CASE("gate proxy: what the policy does not name reaches no relay") {
  FlowFixture f;
  f.set({"web.vm:443", "93.184.216.34:22"});
  f.open("web.vm");
  for (const auto& [asked, reason] : {std::pair{connect_to("evil.org:443"), Reason::name_not_allowed},
                                      {connect_to("web.vm:22"), Reason::port_closed},
                                      {connect_to("93.184.216.35:22"), Reason::address_not_opened},
                                      {connect_to("127.0.0.1:22"), Reason::address_closed},
                                      {connect_to("[::1]:443"), Reason::not_http},
                                      {get("evil.org"), Reason::name_not_allowed},
                                      {std::string("GET / HTTP/1.1\r\nHost: web.vm\r\n\r\n"), Reason::not_http},
                                      {std::string("SSH-2.0\r\n"), Reason::not_http}}) {
    auto guest = f.connect(pass_to_proxy);
    f.send(guest, asked);
    CHECK(f.hears(guest, "HTTP/1.1 403 "));
    CHECK(f.refused().reason == reason);
    guest->stream->shutdown_write();
  }
  CHECK(f.nobody_calls());
  auto guest = f.connect(pass_to_proxy);
  f.send(guest, connect_to("93.184.216.34:22"));
  CHECK(f.hears(f.caller(), connect_to("93.184.216.34:22")));
}

TEST_CASE("gate proxy: inside a tunnel the connection's own name decides too") {
  FlowFixture f;
  auto hello = tls_wire::usual("web.vm"), evil = tls_wire::usual("evil.org");
  for (const char* target : {"web.vm:443", "web.vm:8443"}) {
    auto [guest, relay] = tunnel(f, target);
    f.send(guest, hello);
    CHECK(f.hears(relay, hello));
    auto [other, relay2] = tunnel(f, target);
    f.send(other, evil);
    CHECK(f.breaks(other));
    CHECK(f.refused().reason == Reason::name_not_allowed);
    CHECK(f.refused().name == "evil.org");
    CHECK(f.breaks(relay2));
  }
  auto [guest, relay] = tunnel(f, "web.vm:443");
  f.send(guest, "SSH-2.0\r\n");
  CHECK(f.breaks(guest));
  for (const char* target : {"web.vm:80", "web.vm:8080"}) {
    auto [plain, relay2] = tunnel(f, target);
    f.send(plain, "GET / HTTP/1.1\r\nHost: evil.org\r\n\r\n");
    CHECK(f.hears(plain, "HTTP/1.1 403 "));
    plain->stream->shutdown_write();
  }
}

TEST_CASE("gate proxy: under an open policy a tunnel may hold anything") {
  FlowFixture f;
  f.set({"10.0.0.1"}, "open");
  auto [guest, relay] = tunnel(f, "evil.org:443");
  f.send(guest, "SSH-2.0\r\n");
  CHECK(f.hears(relay, "SSH-2.0\r\n"));
}

TEST_CASE("gate proxy: a plain request to an allowed name passes as it is") {
  FlowFixture f;
  auto guest = f.connect(pass_to_proxy);
  f.send(guest, get("web.vm"));
  auto relay = f.caller();
  CHECK(f.hears(relay, get("web.vm")));
  f.send(relay, "HTTP/1.1 200 OK\r\n\r\nhi");
  relay->stream->shutdown_write();
  CHECK(f.hears(guest, "HTTP/1.1 200 OK\r\n\r\nhi"));
  CHECK(f.ends(guest));
}

TEST_CASE("gate proxy: the guest reads why the relay opens no tunnel") {
  FlowFixture f;
  auto guest = f.connect(pass_to_proxy);
  f.send(guest, connect_to("web.vm:443"));
  auto relay = f.caller();
  CHECK(f.hears(relay, connect_to("web.vm:443")));
  f.send(relay, "HTTP/1.1 502 Bad Gateway\r\n\r\nbanger: why\n");
  relay->stream->shutdown_write();
  CHECK(f.hears(guest, "HTTP/1.1 502 Bad Gateway\r\n\r\nbanger: why\n"));
  CHECK(f.ends(guest));
  guest->stream->shutdown_write();
  CHECK(f.refused().reason == Reason::host_does_not_answer);
  auto second = f.connect(pass_to_proxy);
  f.send(second, connect_to("web.vm:443"));
  f.caller()->stream.reset();
  CHECK(f.breaks(second));
  CHECK(f.all_over());
}

TEST_CASE("gate proxy: a tunnel ends with the policy that has allowed it") {
  FlowFixture f;
  auto [guest, relay] = tunnel(f, "web.vm:8022");
  f.set({"*.vm"});
  CHECK(f.is_quiet(guest));
  f.set({"other.vm"});
  CHECK(f.breaks(guest));
  CHECK(f.breaks(relay));
}

TEST_CASE("gate proxy: secrets go through a tunnel as they go without one") {
  EndedFixture f;
  f.way = pass_to_proxy;
  std::string request, answer;
  std::vector<std::string> heads;
  f.add([&] {
    // The gate connects again when it knows that the guest speaks TLS to the host of a secret.
    for (int i = 0; i < 2; ++i) {
      int socket = f.accept();
      End end(socket);
      heads.push_back(read_head(socket));
      say(socket, kOpened);
      if (i == 0) {
        char byte = 0;
        (void)::recv(socket, &byte, 1, 0);
        continue;
      }
      if (!end.start(f.server.get(), nullptr)) return;
      request = end.head();
      end.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      end.end();
    }
  });
  f.add([&] {
    int socket = f.connect();
    End end(socket);
    say(socket, connect_to("api.vm:8443"));
    CHECK(read_head(socket) == kOpened);
    if (!end.start(f.client.get(), "api.vm")) return;
    end.send("GET / HTTP/1.1\r\nHost: api.vm:8443\r\nX-Api-Key: banger-secret-KEY\r\n\r\n");
    answer = end.rest();
  });
  f.finish();
  CHECK(heads == std::vector<std::string>{connect_to("api.vm:8443"), connect_to("api.vm:8443")});
  CHECK(request == "GET / HTTP/1.1\r\nHost: api.vm:8443\r\nX-Api-Key: s3cr3t-value\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK"));
}

// Requests through a proxy that the tests run.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "certificates.h"
#include "fixture.h"

using namespace banger;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

/// Copies bytes both ways until one end closes.
void relay(test::Peer& peer, int port) {
  UniqueFd out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(out.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return;
  char buffer[65'536];
  for (;;) {
    pollfd ends[] = {{peer.fd(), POLLIN, 0}, {out.get(), POLLIN, 0}};
    if (::poll(ends, 2, -1) < 0) return;
    for (int i : {0, 1}) {
      if (!ends[i].revents) continue;
      auto got = ::recv(ends[i].fd, buffer, sizeof buffer, 0);
      if (got <= 0 || ::send(ends[1 - i].fd, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return;
    }
  }
}

/// A proxy that leads every tunnel to one server.
struct TunnelProxy {
  explicit TunnelProxy(int port)
      : server([this, port](test::Peer& peer) {
          server.note(peer.request());
          if (peer.send("HTTP/1.1 200 Connection established\r\n\r\n")) relay(peer, port);
        }) {}
  test::Server server;
};

std::string refusal(int status) {
  Fixture all;
  auto proxy = test::answering([status](auto&) { return response(status, "no"); });
  all.options.proxy.https = proxy->url();
  auto request = Fixture::request("https://registry.example/");
  request.attempts = 1;
  auto text = text_of(all.send(request));
  return text.substr(0, text.find(":")) + text.substr(text.find("the proxy", text.find("the proxy") + 1));
}

}  // namespace

TEST_CASE("proxy: TLS goes through a tunnel, with a login for the proxy only") {
  Fixture all;
  test::Authority authority(all.dir);
  all.options.trust.bundles = {authority.certificate()};
  auto server = test::answering([](auto&) { return response(200, "through"); },
                                authority.sign("leaf", {.names = "DNS:registry.example"}));
  TunnelProxy proxy(server->port());
  all.options.proxy.https = "http://user:secret@127.0.0.1:" + std::to_string(proxy.server.port());
  for (int i = 0; i < 2; ++i) CHECK(text_of(all.get("https://registry.example:444/x")) == "200 through");
  CHECK(proxy.server.requests() ==
        std::vector<std::string>{"CONNECT registry.example:444 HTTP/1.1\r\nHost: registry.example:444\r\n"
                                 "User-Agent: banger\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n"});
  CHECK(server->requests().size() == 2);
  CHECK(server->requests().at(0).starts_with("GET /x HTTP/1.1\r\nHost: registry.example:444\r\n"));
  CHECK(server->requests().at(0).find("Proxy-Authorization") == std::string::npos);
}

TEST_CASE("proxy: plain requests go to the proxy with the whole URL") {
  Fixture all;
  auto proxy = test::answering([](auto&) { return response(200, "from the proxy"); });
  all.options.proxy.http = "u:p@127.0.0.1:" + std::to_string(proxy->port());
  CHECK(text_of(all.get("http://registry.example:5000/x")) == "200 from the proxy");
  auto request = proxy->requests().at(0);
  CHECK(request.starts_with("GET http://registry.example:5000/x HTTP/1.1\r\nHost: registry.example:5000\r\n"));
  CHECK(request.find("Proxy-Authorization: Basic dTpw\r\n") != request.npos);
}

TEST_CASE("proxy: a proxy that refuses is named, with a way out") {
  CHECK(refusal(407) == "deniedthe proxy wants a login (hint: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT)");
  CHECK(refusal(403) ==
        "deniedthe proxy refused the connection: 403 Forbidden (hint: check HTTPS_PROXY, or except the host with "
        "NO_PROXY)");
  CHECK(refusal(502).starts_with("unavailablethe proxy refused the connection: 502 Bad Gateway"));
}

TEST_CASE("proxy: a proxy that is not there is named") {
  Fixture all;
  int port = 0;
  {
    test::Server gone([](test::Peer&) {});
    port = gone.port();
  }
  all.options.proxy.https = "http://127.0.0.1:" + std::to_string(port);
  auto text = text_of(all.get("https://registry.example/"));
  CHECK(
      text.starts_with("unavailable: registry.example: the proxy 127.0.0.1:" + std::to_string(port) + ": connect to"));
}

TEST_CASE("proxy: a variable that is no proxy is an error") {
  Fixture all;
  all.options.proxy.https = "socks5://127.0.0.1:1080";
  CHECK(
      text_of(all.get("https://registry.example/")).starts_with("unsupported: registry.example: a proxy of the kind"));
}

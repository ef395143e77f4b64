// The relay to the host's proxy over real sockets: a guest, the relay and a proxy in this process.
#include "capabilities/host_proxy/relay.h"

#include <sys/socket.h>

#include <algorithm>

#include "capabilities/bounds.h"
#include "catch.h"
#include "net/bound_socket.h"
#include "support/run.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

constexpr net::Ipv4 kHere = 0x7f000001;
constexpr std::chrono::seconds kPatience{30};
const std::string kTunnel = "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\n\r\n";
const std::string kOpened = "HTTP/1.1 200 Connection established\r\n\r\n";

/// One end of a connection, which reads all the time.
struct Peer {
  std::unique_ptr<net::TcpStream> stream;
  std::string got;
  enum { open, ended, broken } state = open;
};
using PeerPtr = std::shared_ptr<Peer>;

struct Fixture {
  Fixture() {
    auto listening = net::listen_tcp(runtime, {kHere, 0});
    REQUIRE(listening);
    proxy = std::move(*listening);
    runtime.spawn(accept_all(*this));
    http::Proxy known{.host = "localhost", .port = proxy->endpoint().port, .authorization = "Basic aG9zdA=="};
    start({.tunnels = known, .requests = known});
  }
  ~Fixture() {
    relay.reset();
    for (auto& peer : peers) peer->stream.reset();
    proxy.reset();
    pass_time();
  }
  void start(HostProxies proxies) {
    auto socket = net::bound_socket(SOCK_STREAM, {kHere, 0}, 16);
    REQUIRE(socket);
    auto made = relay_to_proxy(
        runtime, std::move(*socket),
        {.proxies = std::move(proxies),
         .reach = {.is_own = [](net::Ipv4) { return false; }, .names_us = [](const std::string&) { return false; }},
         .serves = [this](const net::TcpStream&) { return serves; }});
    REQUIRE(made);
    relay = std::move(*made);
  }

  PeerPtr guest(const std::string& says = "") {
    auto stream = test::run(runtime, net::connect_tcp(runtime, relay->endpoint(), host::after(kPatience)));
    REQUIRE(stream);
    auto peer = add(std::move(*stream));
    if (!says.empty()) send(peer, says);
    return peer;
  }
  /// The next connection at the proxy.
  PeerPtr caller() {
    REQUIRE(until([&] { return taken < callers.size(); }));
    return callers[taken++];
  }
  void send(const PeerPtr& peer, std::string bytes) {
    REQUIRE(test::run(runtime, peer->stream->write(std::move(bytes))));
  }
  bool hears(const PeerPtr& peer, const std::string& bytes) {
    CHECK(until([&] { return peer->got.size() >= bytes.size() || peer->state != Peer::open; }));
    INFO(peer->got);
    bool same = peer->got.starts_with(bytes);
    CHECK(peer->got.substr(0, bytes.size()) == bytes);
    peer->got.erase(0, bytes.size());
    return same;
  }
  /// All bytes until the end.
  std::string all(const PeerPtr& peer) {
    CHECK(until([&] { return peer->state == Peer::ended; }));
    return peer->got;
  }
  bool is_quiet(const PeerPtr& peer) {
    pass_time();
    return peer->got.empty() && peer->state == Peer::open;
  }
  bool nobody_calls() {
    pass_time();
    return taken == callers.size();
  }
  bool closes(const PeerPtr& peer) {
    return until([&] { return peer->state != Peer::open; });
  }
  /// A guest and a proxy with a tunnel between them.
  std::pair<PeerPtr, PeerPtr> tunnel() {
    auto inside = guest(kTunnel);
    auto outside = caller();
    CHECK(until([&] { return outside->got.ends_with("\r\n\r\n"); }));
    outside->got.clear();
    send(outside, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\n");
    CHECK(hears(inside, kOpened));
    return {inside, outside};
  }

  bool until(std::function<bool()> condition) { return test::run(runtime, wait_until(runtime, std::move(condition))); }
  void pass_time() { test::run(runtime, runtime.sleep_for(std::chrono::milliseconds(30))); }

  host::Runtime runtime;
  bool serves = true;
  std::unique_ptr<net::TcpListener> proxy;
  std::unique_ptr<ProxyRelay> relay;
  std::vector<PeerPtr> peers, callers;
  std::size_t taken = 0;

 private:
  PeerPtr add(std::unique_ptr<net::TcpStream> stream) {
    auto peer = std::make_shared<Peer>();
    peer->stream = std::move(stream);
    peers.push_back(peer);
    runtime.spawn(read_all(peer));
    return peer;
  }
  static Task<bool> wait_until(host::Runtime& runtime, std::function<bool()> condition) {
    auto deadline = host::after(kPatience);
    while (!condition() && host::Clock::now() < deadline) co_await runtime.sleep_for(std::chrono::milliseconds(1));
    co_return condition();
  }
  static Task<> accept_all(Fixture& f) {
    while (f.proxy) {
      auto stream = co_await f.proxy->accept();
      if (!stream) co_return;
      f.callers.push_back(f.add(std::move(*stream)));
    }
  }
  static Task<> read_all(PeerPtr peer) {
    while (peer->stream) {
      auto bytes = co_await peer->stream->read();
      if (bytes) peer->got += *bytes;
      if (!bytes) peer->state = Peer::broken;
      if (bytes && bytes->empty()) peer->state = Peer::ended;
      if (peer->state != Peer::open) co_return;
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "proxy relay: a tunnel passes bytes both ways, and the proxy gets the host's password") {
  auto inside = guest("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\nProxy-Authorization: Basic x\r\n\r\nhello");
  auto outside = caller();
  CHECK(hears(outside, "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\nProxy-Authorization: Basic aG9zdA==\r\n\r\n"));
  // What came with the request waits for the tunnel: to the proxy it would be another request.
  CHECK(is_quiet(outside));
  send(outside, "HTTP/1.0 200 OK\r\nProxy-Agent: y\r\n\r\nwelcome");
  CHECK(hears(inside, kOpened + "welcome"));
  CHECK(hears(outside, "hello"));
  send(inside, std::string(300'000, 'a'));
  CHECK(hears(outside, std::string(300'000, 'a')));
  send(outside, std::string(300'000, 'b'));
  CHECK(hears(inside, std::string(300'000, 'b')));
}

TEST_CASE_METHOD(Fixture, "proxy relay: each side of a tunnel may end for itself, and a reset ends both") {
  auto [inside, outside] = tunnel();
  inside->stream->shutdown_write();
  CHECK(all(outside).empty());
  send(outside, "the rest");
  outside->stream->shutdown_write();
  CHECK(all(inside) == "the rest");
  auto [inside2, outside2] = tunnel();
  outside2->stream->shutdown_write();
  CHECK(all(inside2).empty());
  send(inside2, "more");
  CHECK(hears(outside2, "more"));
  auto [inside3, outside3] = tunnel();
  outside3->stream->reset_at_end();
  outside3->stream.reset();
  CHECK(until([&, in = inside3] { return in->state == Peer::broken; }));
  auto [inside4, outside4] = tunnel();
  inside4->stream.reset();
  CHECK(closes(outside4));
}

TEST_CASE_METHOD(Fixture, "proxy relay: without a tunnel no byte of the guest reaches the proxy") {
  for (auto [answer, status] : {std::pair{"403 No", "403"}, {"407 Who", "502"}, {"503 Later", "502"}}) {
    auto inside = guest(kTunnel + "GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    auto outside = caller();
    CHECK(until([&] { return outside->got.ends_with("\r\n\r\n"); }));
    outside->got.clear();
    send(outside, std::string("HTTP/1.1 ") + answer + "\r\nProxy-Authenticate: Basic realm=secret\r\n" +
                      "Content-Length: 0\r\n\r\n");
    auto heard = all(inside);
    CHECK(heard.starts_with(std::string("HTTP/1.1 ") + status));
    CHECK(heard.find("secret") == heard.npos);
    inside->stream.reset();
    CHECK(closes(outside));
    CHECK(outside->got.empty());
  }
  auto inside = guest(kTunnel);
  send(caller(), "SSH-2.0-x\r\n");
  CHECK(all(inside).starts_with("HTTP/1.1 502"));
}

TEST_CASE_METHOD(Fixture, "proxy relay: a plain request passes with its body, and nothing after it") {
  auto inside = guest("POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nContent-Length: 4\r\n\r\nab");
  auto outside = caller();
  CHECK(hears(outside,
              "POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nContent-Length: 4\r\n"
              "Proxy-Authorization: Basic aG9zdA==\r\nConnection: close\r\n\r\nab"));
  send(inside, "cdGET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  CHECK(hears(outside, "cd"));
  pass_time();
  CHECK(outside->got.empty());
  send(outside, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  outside->stream->shutdown_write();
  CHECK(all(inside) == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

TEST_CASE_METHOD(Fixture, "proxy relay: a guest that gives up a request ends the proxy's connection") {
  auto inside = guest("POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nContent-Length: 4\r\n\r\nab");
  auto outside = caller();
  inside->stream.reset();
  CHECK(closes(outside));
  inside = guest("POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
  outside = caller();
  CHECK(closes(outside));
  CHECK(closes(inside));
}

TEST_CASE_METHOD(Fixture, "proxy relay: what it refuses reaches no proxy, and the guest reads why") {
  for (auto [says, status] : {std::pair{"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", "403"},
                              {"GET / HTTP/1.1\r\nHost: a.org\r\n\r\n", "501"},
                              {"GET http://a.org/ HTTP/1.1\r\nHost: b.org\r\n\r\n", "400"},
                              {"SSH-2.0-x\r\n", "400"}}) {
    auto heard = all(guest(says));
    CHECK(heard.starts_with(std::string("HTTP/1.1 ") + status));
    CHECK(heard.find("\r\n\r\nbanger: ") != heard.npos);
  }
  CHECK(all(guest("GET http://a.org/" + std::string(100'000, 'x'))).starts_with("HTTP/1.1 400"));
  CHECK(nobody_calls());
}

TEST_CASE_METHOD(Fixture, "proxy relay: a proxy that is not there is an answer, without where it would be") {
  http::Proxy nobody{.host = "127.0.0.1", .port = 1};
  start({.tunnels = nobody, .requests = {}});
  auto heard = all(guest(kTunnel));
  CHECK(heard.starts_with("HTTP/1.1 502"));
  CHECK(heard.find("127.0.0.1") == heard.npos);
  CHECK_THAT(all(guest("GET http://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n")), Catch::Contains("no HTTP_PROXY"));
}

TEST_CASE_METHOD(Fixture, "proxy relay: it serves guests only, and so many connections of each") {
  serves = false;
  CHECK(closes(guest()));
  serves = true;
  std::vector<PeerPtr> many;
  for (std::size_t i = 0; i < limits::kProxyConnections; ++i) many.push_back(guest());
  pass_time();
  CHECK(closes(guest()));
  many.front()->stream.reset();
  pass_time();
  auto inside = guest(kTunnel);
  CHECK(caller()->state == Peer::open);
}

TEST_CASE_METHOD(Fixture, "proxy relay: its end ends all connections") {
  auto [inside, outside] = tunnel();
  auto waiting = guest("CONN");
  pass_time();
  relay.reset();
  CHECK(closes(inside));
  CHECK(closes(outside));
  CHECK(closes(waiting));
}

// Servers that send messages of TLS, and never content.
#include "certificates.h"
#include "fixture.h"

using namespace banger;
using namespace std::chrono_literals;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

const std::string kEndless = "the server sends messages of TLS without end, and no content";

struct Flood : Fixture {
  test::Authority authority{dir};
  Flood() { options.trust.bundles = {authority.certificate()}; }

  /// What the client makes of a server that does this after the request.
  std::string answer(test::Server::Handler handler, const std::function<void(http::Request&)>& change = {}) {
    test::Server server(
        [&](test::Peer& peer) {
          peer.request();
          handler(peer);
        },
        authority.sign("leaf"));
    auto request = Fixture::request(server.url());
    request.attempts = 1;
    request.deadlines.whole = host::after(10s);
    if (change) change(request);
    return text_of(send(request));
  }
};

/// A record of the handshake, in the clear, with as many of these messages as fit.
std::string record_of(const std::string& message) {
  std::string messages;
  while (messages.size() + message.size() <= 16'384) messages += message;
  auto size = messages.size();
  return std::string("\x16\x03\x03") + static_cast<char>(size >> 8) + static_cast<char>(size & 0xff) + messages;
}

}  // namespace

TEST_CASE("tls flood: tickets without end are an error") {
  Flood all;
  auto text = all.answer([](test::Peer& peer) {
    while (peer.send_ticket()) {
    }
  });
  INFO(text);
  CHECK(text.starts_with("corrupt: "));
  CHECK(text.contains(kEndless));
}

TEST_CASE("tls flood: a few tickets are no error") {
  Flood all;
  auto text = all.answer([](test::Peer& peer) {
    for (int i = 0; i < 20; ++i) peer.send_ticket();
    peer.send(response(200, "safe"));
  });
  CHECK(text == "200 safe");
}

TEST_CASE("tls flood: tickets are counted anew after content") {
  Flood all;
  auto text = all.answer([](test::Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    for (auto* byte : {"s", "a", "f", "e"}) {
      for (int i = 0; i < limits::kTlsMessages / 2; ++i) peer.send_ticket();
      peer.send(byte);
    }
  });
  CHECK(text == "200 safe");
}

TEST_CASE("tls flood: a ticket now and then is no progress") {
  Flood all;
  auto text = all.answer(
      [](test::Peer& peer) {
        for (int i = 0; i < limits::kTlsMessages / 2 && peer.send_ticket(); ++i) std::this_thread::sleep_for(20ms);
        peer.fall_silent();
      },
      [](http::Request& request) {
        request.deadlines.stall = 200ms;
        request.deadlines.whole = host::after(400ms);
      });
  INFO(text);
  CHECK(text.ends_with("the server sent nothing for 200ms"));
}

TEST_CASE("tls flood: a handshake of empty requests is an error") {
  Flood all;
  // OpenSSL drops these within one call, as long as the socket has bytes.
  auto flood = record_of(std::string(4, '\0'));
  test::Server server([&](test::Peer& peer) {
    peer.some();
    while (peer.send(flood)) {
    }
  });
  auto request = Fixture::request("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.attempts = 1;
  auto text = text_of(all.send(request));
  INFO(text);
  CHECK(text.starts_with("corrupt: "));
  CHECK(text.contains(kEndless));
}

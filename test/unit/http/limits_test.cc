// What the client does not accept of a server.
#include <future>

#include "fixture.h"

using namespace banger;
using namespace std::chrono_literals;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

const std::string kTooMany = "exhausted: 127.0.0.1: the server sent too many headers, or too large ones";

/// The port differs from run to run.
std::string without_port(std::string text, const test::Server& server) {
  auto port = ":" + std::to_string(server.port());
  if (auto found = text.find(port); found != text.npos) text.erase(found, port.size());
  return text;
}

/// What the client makes of these bytes, which the server sends before it closes the connection.
std::string answer_to(const std::string& bytes, const std::function<void(http::Request&)>& change = {}) {
  Fixture all;
  test::Server server([&](test::Peer& peer) {
    peer.request();
    peer.send(bytes);
  });
  auto request = Fixture::request(server.url());
  request.attempts = 1;
  if (change) change(request);
  return without_port(text_of(all.send(request)), server);
}

/// An endless response: the server sends this piece until the client closes.
std::string endless(const std::string& head, const std::string& piece, std::size_t max_body_bytes = 1000) {
  Fixture all;
  test::Server server([&](test::Peer& peer) {
    peer.request();
    peer.send(head);
    while (peer.send(piece)) {
    }
  });
  auto request = Fixture::request(server.url());
  request.max_body_bytes = max_body_bytes;
  return without_port(text_of(all.send(request)), server);
}

}  // namespace

TEST_CASE("limits: a body that is cut short is an error") {
  for (auto* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                      "HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\nhalf"})
    CHECK(answer_to(bytes) == "unavailable: 127.0.0.1: the server closed the connection in the middle of a response");
  for (auto* bytes : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"})
    CHECK(answer_to(bytes) == "unavailable: 127.0.0.1: the server closed the connection without a response");
}

TEST_CASE("limits: what is no HTTP is corrupt") {
  for (auto* bytes : {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 99 X\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n",
                      "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"}) {
    INFO(bytes);
    CHECK(answer_to(bytes).starts_with("corrupt: 127.0.0.1: the server's answer is not valid HTTP"));
  }
}

TEST_CASE("limits: headers without end are an error") {
  CHECK(endless("HTTP/1.1 200 OK\r\n", "X: y\r\n") == kTooMany);
  CHECK(endless("HTTP/1.1 200 OK\r\nX: ", std::string(1000, 'y')) == kTooMany);
  CHECK(endless("HTTP/1.1 200 ", std::string(1000, 'y')) == kTooMany);
  CHECK(endless("", "HTTP/1.1 102 Wait\r\n\r\n") == kTooMany);
  CHECK(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n") == kTooMany);
}

TEST_CASE("limits: a body that is too large is an error, as soon as that is known") {
  auto small = [](http::Request& request) { request.max_body_bytes = 4; };
  CHECK(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", small) ==
        "exhausted: 127.0.0.1: the response is larger than 4B");
  CHECK(answer_to(response(200, "four"), small) == "200 four");
  CHECK(endless("HTTP/1.1 200 OK\r\n\r\n", "abcdef").starts_with("exhausted: "));
  CHECK(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n").starts_with("exhausted: "));
}

TEST_CASE("limits: chunks that are nearly all coding are an error") {
  auto chunk = "1;" + std::string(50'000, 'x') + "\r\nx\r\n";
  CHECK(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk) ==
        "corrupt: 127.0.0.1: the server sent far more coding of chunks than content");
}

TEST_CASE("limits: the body of an error is cut") {
  auto text = endless("HTTP/1.1 403 No\r\n\r\n", std::string(1000, 'e'));
  CHECK(text == "403 " + std::string(limits::kErrorBodyBytes, 'e'));
}

TEST_CASE("limits: a server that is silent stalls the request") {
  for (auto* bytes : {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"}) {
    Fixture all;
    test::Server server([&](test::Peer& peer) {
      peer.request();
      peer.send(bytes);
      peer.fall_silent();
    });
    auto request = Fixture::request(server.url());
    request.attempts = 1;
    request.deadlines.stall = 30ms;
    auto text = text_of(all.send(request));
    CHECK(text.starts_with("timeout: "));
    CHECK(text.ends_with(": the server sent nothing for 30ms"));
  }
}

TEST_CASE("limits: a server that reads nothing stalls the request") {
  Fixture all;
  test::Server server([](test::Peer& peer) { peer.fall_silent(); });
  auto request = Fixture::request(server.url(), "PUT");
  request.attempts = 1;
  request.body = std::string(64'000'000, 'x');
  request.deadlines.stall = 50ms;
  CHECK(text_of(all.send(request)).ends_with(": the server took nothing for 50ms"));
}

TEST_CASE("limits: a server that drips bytes meets the deadline of the whole") {
  Fixture all;
  test::Server server([&](test::Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send("x")) std::this_thread::sleep_for(1ms);
  });
  auto request = Fixture::request(server.url());
  request.deadlines.whole = host::after(1s);
  CHECK(text_of(all.send(request)).ends_with(": the server took too long"));
  CHECK(all.pauses.empty());
}

TEST_CASE("limits: a server that drips bytes is too slow, also without a deadline of the whole") {
  for (auto* head : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 "}) {
    Fixture all;
    test::Server server([&](test::Peer& peer) {
      peer.request();
      peer.send(head);
      for (int i = 0; i < 1000 && peer.send("x"); ++i) std::this_thread::sleep_for(1ms);
    });
    auto request = Fixture::request(server.url());
    request.attempts = 1;
    request.deadlines.pace = 50ms;
    auto text = text_of(all.send(request));
    INFO(text);
    CHECK(text.starts_with("timeout: "));
    CHECK(text.contains(": the server sent only "));
  }
}

TEST_CASE("limits: a handshake that stands still ends") {
  Fixture all;
  test::Server server([](test::Peer& peer) { peer.fall_silent(); });
  auto request = Fixture::request("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.attempts = 1;
  request.deadlines.connect = 40ms;
  CHECK(text_of(all.send(request)).starts_with("timeout: "));
}

namespace {

/// A server that always has more bytes when the client looks: the client takes its time for each piece.
struct Torrent : Fixture {
  test::Server server{[](test::Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send(std::string(100'000, 'x'))) {
    }
  }};
  http::Request request = Fixture::request(server.url());
  int pieces = 0;
  std::function<void()> at_piece = [] {};

  std::string fetch() {
    http::Download download{.max_bytes = 20'000'000};
    download.write = [this](std::string_view) -> Task<Result<>> {
      ++pieces;
      at_piece();
      std::this_thread::sleep_for(2ms);
      co_return Result<>();
    };
    return text_of(test::run(runtime, client().download(request, std::move(download))));
  }
};

}  // namespace

TEST_CASE("limits: a server that always has bytes does not hide that the caller has gone") {
  Torrent all;
  host::Cancel cancel(all.runtime);
  all.request.cancel = &cancel;
  all.at_piece = [&] { cancel.request(); };
  CHECK(all.fetch().starts_with("cancelled: "));
  CHECK(all.pieces == 1);
}

TEST_CASE("limits: a server that always has bytes meets the deadline of the whole") {
  Torrent all;
  all.request.deadlines.whole = host::after(50ms);
  CHECK(all.fetch().ends_with(": the server took too long"));
}

TEST_CASE("limits: nothing more is sent for a caller that has gone") {
  Fixture all;
  std::promise<std::string> arrived;
  test::Server server([&](test::Peer& peer) { arrived.set_value(peer.request()); });
  host::Cancel cancel(all.runtime);
  auto request = Fixture::request(server.url(), "PUT");
  request.body = "body";
  request.cancel = &cancel;
  request.sent = [&](std::uint64_t) { cancel.request(); };
  CHECK(text_of(all.send(request)).starts_with("cancelled: "));
  CHECK(arrived.get_future().get() == "");
}

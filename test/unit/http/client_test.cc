// Requests and connections of the client, with a real server on loopback.
#include "http/client.h"

#include <unistd.h>

#include "fixture.h"

using namespace banger;
using test::Fixture;
using test::response;
using test::text_of;

TEST_CASE("client: a response has its status, headers, body and URL") {
  Fixture all;
  auto server = test::answering([](auto&) { return response(200, "hello", "X-One: 1\r\nx-two:  two words \r\n"); });
  auto got = all.get(server->url("/a?b"));
  REQUIRE(text_of(got) == "200 hello");
  CHECK(got->headers.get("X-ONE") == "1");
  CHECK(got->headers.get("X-Two") == "two words");
  CHECK(got->url.target == "/a?b");
  auto request = server->requests().at(0);
  CHECK(request.starts_with("GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server->port()) + "\r\n"));
  CHECK(request.find("User-Agent: banger\r\n") != request.npos);
  CHECK(request.find("Content-Length") == request.npos);
}

TEST_CASE("client: bodies come with a length, in chunks, or until the end of the connection") {
  Fixture all;
  auto server = test::answering([](auto& request) -> std::string {
    if (request.starts_with("GET /chunks"))
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: "
             "x\r\n\r\n";
    if (request.starts_with("GET /early")) return "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + response(200, "late");
    return response(204, "");
  });
  auto chunks = all.get(server->url("/chunks"));
  CHECK(text_of(chunks) == "200 abcdefg");
  CHECK_FALSE(chunks->headers.find("Trailer"));
  auto early = all.get(server->url("/early"));
  CHECK(text_of(early) == "200 late");
  CHECK_FALSE(early->headers.find("Link"));
  CHECK(text_of(all.get(server->url("/"))) == "204 ");
  test::Server closing([](test::Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  CHECK(text_of(all.get(closing.url())) == "200 until the end");
}

TEST_CASE("client: an error status is no error") {
  Fixture all;
  auto server = test::answering([](auto&) { return response(404, "nothing here"); });
  CHECK(text_of(all.get(server->url())) == "404 nothing here");
  CHECK(http::status_text(404) == "404 Not Found");
  CHECK(http::status_text(599) == "599");
}

TEST_CASE("client: HEAD has a length but no body") {
  Fixture all;
  auto server = test::answering([](auto&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"); });
  for (int i = 0; i < 2; ++i) {
    auto got = all.send(Fixture::request(server->url(), "HEAD"));
    REQUIRE(text_of(got) == "200 ");
    CHECK(got->headers.get("Content-Length") == "5");
  }
  CHECK(server->connections() == 1);
}

TEST_CASE("client: a connection is used again, unless the server says otherwise") {
  Fixture all;
  auto server = test::answering([](auto& request) {
    return response(200, "x", request.starts_with("GET /close") ? "Connection: close\r\n" : "");
  });
  for (int i = 0; i < 3; ++i) CHECK(text_of(all.get(server->url())) == "200 x");
  CHECK(server->connections() == 1);
  all.get(server->url("/close"));
  all.get(server->url());
  CHECK(server->connections() == 2);
}

TEST_CASE("client: bytes after a response make a connection useless") {
  Fixture all;
  auto server =
      test::answering([](auto&) { return response(200, "x") + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"; });
  for (int i = 0; i < 2; ++i) CHECK(text_of(all.get(server->url())) == "200 x");
  CHECK(server->connections() == 2);
}

TEST_CASE("client: a kept connection that the server closed costs no attempt") {
  Fixture all;
  int served = 0;
  test::Server server([&](test::Peer& peer) {
    // The first connection ends at its second request, which the client has sent already.
    peer.request();
    peer.send(response(200, std::to_string(served)));
    if (served++ == 0) peer.request();
  });
  CHECK(text_of(all.get(server.url())) == "200 0");
  auto again = Fixture::request(server.url());
  again.attempts = 1;
  CHECK(text_of(all.send(again)) == "200 1");
  CHECK(all.pauses.empty());
}

TEST_CASE("client: a body is sent from memory or from a file") {
  Fixture all;
  auto server = test::answering([](auto&) { return response(201, ""); });
  auto post = Fixture::request(server->url(), "POST");
  post.body = "in memory";
  CHECK(text_of(all.send(post)) == "201 ");
  CHECK(server->requests().at(0).ends_with("Content-Length: 9\r\n\r\nin memory"));
  all.dir.put("file", "0123456789" + std::string(300'000, 'x'));
  UniqueFd file(::open((all.dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
  auto put = Fixture::request(server->url(), "PUT");
  put.file = http::FileBody{.fd = file.get(), .offset = 5, .size_bytes = 300'000};
  std::vector<std::uint64_t> sent;
  put.sent = [&](std::uint64_t bytes) { sent.push_back(bytes); };
  CHECK(text_of(all.send(put)) == "201 ");
  CHECK(server->requests().at(1).ends_with("Content-Length: 300000\r\n\r\n56789" + std::string(299'995, 'x')));
  CHECK(sent.front() == 0);
  CHECK(sent.back() == 300'000);
  CHECK(std::ranges::is_sorted(sent));
  CHECK(text_of(all.send(Fixture::request(server->url(), "POST"))) == "201 ");
  CHECK(server->requests().at(2).find("Content-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("client: a file that is too short ends its request") {
  Fixture all;
  auto server = test::answering([](auto&) { return response(201, ""); });
  all.dir.put("file", "short");
  UniqueFd file(::open((all.dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
  auto put = Fixture::request(server->url(), "PUT");
  put.file = http::FileBody{.fd = file.get(), .offset = 0, .size_bytes = 10};
  CHECK(text_of(all.send(put)).find("the file to send has become shorter") != std::string::npos);
  CHECK(all.pauses.empty());
}

TEST_CASE("client: the answer of a server that does not want the whole body is found") {
  Fixture all;
  test::Server server([](test::Peer& peer) {
    peer.some();
    peer.send(response(413, "too much", "Connection: close\r\n"));
  });
  all.dir.put("file", std::string(20'000'000, 'x'));
  UniqueFd file(::open((all.dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
  auto put = Fixture::request(server.url(), "PUT");
  put.file = http::FileBody{.fd = file.get(), .offset = 0, .size_bytes = 20'000'000};
  put.attempts = 1;
  auto text = text_of(all.send(put));
  // The kernel may drop the answer when it resets the connection; then the broken connection is reported.
  CHECK((text == "413 too much" || text.find("the connection broke") != text.npos));
}

TEST_CASE("client: plain HTTP needs permission") {
  Fixture all;
  auto server = test::answering([](auto&) { return response(200, ""); });
  auto request = Fixture::request(server->url());
  request.plain = http::Plain::refused;
  CHECK(text_of(all.send(request)).starts_with("denied: 127.0.0.1:"));
  CHECK(server->connections() == 0);
}

TEST_CASE("client: a malformed request is not sent") {
  Fixture all;
  auto server = test::answering([](auto&) { return response(200, ""); });
  auto request = Fixture::request(server->url());
  request.headers.add("X", "a\r\nY: b");
  CHECK(text_of(all.send(request)).starts_with("invalid"));
  CHECK(text_of(all.send(Fixture::request(server->url(), "GET /x"))).starts_with("invalid"));
  request = Fixture::request(server->url());
  request.url.target = "/ HTTP/1.1\r\nX: y";
  CHECK(text_of(all.send(request)).starts_with("invalid"));
  CHECK(server->connections() == 0);
}

TEST_CASE("client: a request ends when its caller goes away") {
  Fixture all;
  test::Server server([](test::Peer& peer) { peer.fall_silent(); });
  host::Cancel cancel(all.runtime);
  auto request = Fixture::request(server.url());
  request.cancel = &cancel;
  all.runtime.spawn([](host::Runtime* runtime, host::Cancel* gone) -> Task<> {
    co_await runtime->sleep_for(std::chrono::milliseconds(20));
    gone->request();
  }(&all.runtime, &cancel));
  CHECK(text_of(all.send(request)).starts_with("cancelled"));
}

TEST_CASE("client: a pause ends when the caller goes away") {
  Fixture all;
  all.options.waits.sleep = {};
  auto server = test::answering([](auto&) { return response(503, "", "Retry-After: 50\r\n"); });
  host::Cancel cancel(all.runtime);
  auto request = Fixture::request(server->url());
  request.cancel = &cancel;
  all.runtime.spawn([](host::Runtime* runtime, host::Cancel* gone) -> Task<> {
    co_await runtime->sleep_for(std::chrono::milliseconds(100));
    gone->request();
  }(&all.runtime, &cancel));
  CHECK(text_of(all.send(request)).starts_with("cancelled"));
}

TEST_CASE("client: a request in flight may end with its runtime") {
  test::Server server([](test::Peer& peer) { peer.fall_silent(); });
  for (const auto& url : {server.url(), "https://127.0.0.1:" + std::to_string(server.port()) + "/",
                          std::string("http://registry.example/")}) {
    Fixture all;
    all.dir.put("resolv.conf", "nameserver 127.0.0.1\n");
    all.options.dns_port = static_cast<std::uint16_t>(server.port());
    all.runtime.spawn([](Fixture* fixture, std::string to) -> Task<> {
      (void)co_await fixture->client().send(Fixture::request(to));
    }(&all, url));
    CHECK(test::run(all.runtime, all.runtime.sleep_for(std::chrono::milliseconds(20))));
  }
}

TEST_CASE("client: requests run beside each other") {
  Fixture all;
  auto server = test::answering([](auto& request) { return response(200, request.substr(5, 1)); });
  std::string got;
  for (int i = 0; i < 8; ++i)
    all.runtime.spawn([](Fixture* fixture, std::string url, std::string* out) -> Task<> {
      auto result = co_await fixture->client().send(Fixture::request(url));
      *out += text_of(result) + ",";
    }(&all, server->url("/" + std::to_string(i)), &got));
  all.runtime.run();
  for (int i = 0; i < 8; ++i) CHECK(got.find("200 " + std::to_string(i) + ",") != got.npos);
}

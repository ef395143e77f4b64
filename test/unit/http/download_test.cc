// Downloads that break, go on, start again, or are not what they should be.
#include <charconv>

#include "fixture.h"

using namespace banger;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

/// Collects a download in memory.
struct Download : Fixture {
  std::string got;
  int restarts = 0;
  http::Download download{.write = [this](std::string_view piece) -> Task<Result<>> {
                            got += piece;
                            co_return Result<>();
                          },
                          .restart = [this]() -> Task<Result<>> {
                            got.clear();
                            ++restarts;
                            co_return Result<>();
                          }};

  std::string fetch(const std::string& url) { return fetch(request(url)); }
  std::string fetch(http::Request request) {
    request.deadlines.stall = std::chrono::seconds(5);
    return text_of(test::run(runtime, client().download(std::move(request), download)));
  }
};

std::string header(const std::string& request, const std::string& name) {
  auto at = request.find("\r\n" + name + ": ");
  if (at == request.npos) return "";
  at += name.size() + 4;
  return request.substr(at, request.find("\r\n", at) - at);
}

std::size_t offset_of(const std::string& request) {
  auto range = header(request, "Range");
  std::size_t offset = 0;
  if (range.starts_with("bytes=")) std::from_chars(range.data() + 6, range.data() + range.size(), offset);
  return offset;
}

/// A server of these bytes that closes each connection after `step` bytes of the body.
struct Breaking {
  Breaking(std::string bytes, std::size_t step, std::string fields = "", bool ranges = true)
      : server([=, this](test::Peer& peer) {
          auto request = peer.request();
          server.note(request);
          auto offset = ranges ? offset_of(request) : 0;
          auto rest = bytes.substr(offset);
          auto range = offset ? "Content-Range: bytes " + std::to_string(offset) + "-" +
                                    std::to_string(bytes.size() - 1) + "/" + std::to_string(bytes.size()) + "\r\n"
                              : "";
          auto whole = response(offset ? 206 : 200, rest, range + fields);
          peer.send(whole.substr(0, whole.size() - rest.size() + std::min(step, rest.size())));
        }) {}
  test::Server server;
};

std::string numbers(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; text.size() < count; ++i) text += std::to_string(i) + ",";
  return text.substr(0, count);
}

}  // namespace

TEST_CASE("download: the bytes go to the receiver, and other answers into the response") {
  Download all;
  auto bytes = numbers(1'000'000);
  auto server = test::answering([&](auto& request) {
    return request.starts_with("GET /no") ? response(404, "no such blob") : response(200, bytes);
  });
  all.download.size_bytes = bytes.size();
  CHECK(all.fetch(server->url()) == "200 ");
  CHECK(all.got == bytes);
  CHECK(all.fetch(server->url("/no")) == "404 no such blob");
  CHECK(all.got == bytes);
}

TEST_CASE("download: goes on from the last byte, as often as there is progress") {
  Download all;
  auto bytes = numbers(1'000'000);
  Breaking breaking(bytes, 100'000, "ETag: \"one\"\r\n");
  CHECK(all.fetch(breaking.server.url()) == "206 ");
  CHECK(all.got == bytes);
  CHECK(all.restarts == 0);
  auto requests = breaking.server.requests();
  REQUIRE(requests.size() == 10);
  CHECK(header(requests[0], "Range") == "");
  CHECK(header(requests[0], "Accept-Encoding") == "identity");
  CHECK(header(requests[3], "Range") == "bytes=300000-");
  CHECK(header(requests[3], "If-Range") == "\"one\"");
}

TEST_CASE("download: without progress, the attempts end") {
  Download all;
  Breaking breaking(numbers(1000), 0);
  CHECK(all.fetch(breaking.server.url()).starts_with("unavailable: "));
  CHECK(breaking.server.requests().size() == limits::kHttpAttempts);
}

TEST_CASE("download: begins at the bytes that the receiver has") {
  Download all;
  auto bytes = numbers(1000);
  Breaking breaking(bytes, 1000);
  all.got = bytes.substr(0, 400);
  all.download.offset = 400;
  CHECK(all.fetch(breaking.server.url()) == "206 ");
  CHECK(all.got == bytes);
  all.download.offset = 1000;
  all.download.size_bytes = 1000;
  CHECK(all.fetch(breaking.server.url()) == "200 ");
  CHECK(breaking.server.requests().size() == 1);
}

TEST_CASE("download: starts again at a server without ranges") {
  Download all;
  auto bytes = numbers(1000);
  Breaking breaking(bytes, 1000, "", false);
  all.got = "something else";
  all.download.offset = all.got.size();
  CHECK(all.fetch(breaking.server.url()) == "200 ");
  CHECK(all.got == bytes);
  CHECK(all.restarts == 1);
  all.download.restart = {};
  CHECK(all.fetch(breaking.server.url()).find("the server cannot go on in the middle of a download") !=
        std::string::npos);
}

TEST_CASE("download: starts again when the receiver has more than the server") {
  Download all;
  auto server =
      test::answering([](auto& request) { return offset_of(request) ? response(416, "") : response(200, "short"); });
  all.got = "something longer";
  all.download.offset = all.got.size();
  CHECK(all.fetch(server->url()) == "200 ");
  CHECK(all.got == "short");
}

TEST_CASE("download: a range that was not asked for is corrupt") {
  for (auto* range : {"", "Content-Range: bytes 0-4/10\r\n", "Content-Range: bytes 6-9/10\r\n",
                      "Content-Range: bytes 5-9/9\r\n", "Content-Range: bytes 5-9/11\r\n"}) {
    Download all;
    auto server = test::answering([&](auto&) { return response(206, "56789", range); });
    all.download.offset = 5;
    all.download.size_bytes = 10;
    INFO(range);
    CHECK(all.fetch(server->url()).starts_with("corrupt: "));
    CHECK(all.got == "");
    CHECK(all.pauses.empty());
  }
  Download all;
  auto server = test::answering([](auto&) { return response(206, "x", "Content-Range: bytes 0-0/1\r\n"); });
  CHECK(all.fetch(server->url()).starts_with("corrupt: "));
}

TEST_CASE("download: a part of the rest is completed by another request") {
  Download all;
  auto bytes = numbers(10);
  auto server = test::answering([&](auto& request) {
    auto at = offset_of(request);
    return at ? response(206, bytes.substr(at, 2),
                         "Content-Range: bytes " + std::to_string(at) + "-" + std::to_string(at + 1) + "/10\r\n")
              : response(503, "");
  });
  all.got = bytes.substr(0, 4);
  all.download.offset = 4;
  CHECK(all.fetch(server->url()) == "206 ");
  CHECK(all.got == bytes);
}

TEST_CASE("download: another size than the expected one is corrupt") {
  for (const auto& bytes : {response(200, "12345678901"), response(200, "123456789"),
                            std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
                            std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n")}) {
    Download all;
    auto server = test::answering([&](auto&) { return bytes; });
    all.download.size_bytes = 10;
    CHECK(all.fetch(server->url()).starts_with("corrupt: "));
    CHECK(all.got.size() <= 10);
  }
}

TEST_CASE("download: is complete with its last byte, also when the end of the coding never comes") {
  for (bool silent : {false, true}) {
    Download all;
    test::Server server([&](test::Peer& peer) {
      server.note(peer.request());
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n1234567890");
      if (silent) peer.fall_silent();
    });
    all.download.size_bytes = 10;
    auto request = Fixture::request(server.url());
    request.deadlines.whole = host::after(std::chrono::milliseconds(500));
    CHECK(all.fetch(request) == "200 ");
    CHECK(all.got == "1234567890");
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("download: goes on when the connection ends too early, and only that ends the body") {
  Download all;
  auto bytes = numbers(1000);
  test::Server server([&](test::Peer& peer) {
    auto offset = offset_of(peer.request());
    peer.send(offset ? response(206, bytes.substr(offset), "Content-Range: bytes 400-999/1000\r\n")
                     : "HTTP/1.1 200 OK\r\n\r\n" + bytes.substr(0, 400));
  });
  all.download.size_bytes = 1000;
  CHECK(all.fetch(server.url()) == "206 ");
  CHECK(all.got == bytes);
}

TEST_CASE("download: more bytes than expected are corrupt, also when no more are allowed") {
  Download all;
  auto server = test::answering(
      [](auto&) { return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n"); });
  all.download.size_bytes = all.download.max_bytes = 10;
  auto text = all.fetch(server->url());
  INFO(text);
  CHECK(text.starts_with("corrupt: "));
  CHECK(text.ends_with(": the server sent more than the expected 10 bytes"));
}

TEST_CASE("download: more bytes than allowed are an error") {
  for (const auto& bytes : {response(200, "123456789"),
                            std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n")}) {
    Download all;
    auto server = test::answering([&](auto&) { return bytes; });
    all.download.max_bytes = 8;
    CHECK(all.fetch(server->url()).ends_with("the response is larger than 8B"));
    CHECK(all.got == "");
  }
}

TEST_CASE("download: an error of the receiver ends it with that error") {
  Download all;
  auto server = test::answering([](auto&) { return response(200, "x"); });
  all.download.write = [](std::string_view) -> Task<Result<>> {
    co_return fail(ErrorCode::unavailable, "disk is full");
  };
  CHECK(all.fetch(server->url()).find("disk is full") != std::string::npos);
  CHECK(server->requests().size() == 1);
}

TEST_CASE("download: follows redirects anew for each attempt") {
  Download all;
  auto bytes = numbers(300'000);
  Breaking breaking(bytes, 100'000);
  auto registry =
      test::answering([&](auto&) { return response(307, "", "Location: " + breaking.server.url("/signed") + "\r\n"); });
  auto request = Fixture::request(registry->url());
  request.headers = {{"Authorization", "Bearer secret"}};
  CHECK(all.fetch(request) == "206 ");
  CHECK(all.got == bytes);
  CHECK(registry->requests().size() == 3);
  CHECK(header(breaking.server.requests().at(2), "Range") == "bytes=200000-");
  CHECK(header(breaking.server.requests().at(2), "Authorization") == "");
}

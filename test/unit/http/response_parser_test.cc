// A response in any pieces.
#include "http/response_parser.h"

#include "catch.h"
#include "server.h"

using namespace banger;
using http::Expect;
using http::ResponseParser;

TEST_CASE("response parser: the cuts between reads do not matter") {
  const std::string bytes =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nOne: 1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    ResponseParser parser(Expect::body);
    std::string body;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      CHECK_FALSE(parser.done());
      REQUIRE(parser.feed(std::string_view(bytes).substr(at, step)).has_value());
      body += parser.take_body();
    }
    CHECK(parser.done());
    CHECK(parser.reusable());
    CHECK(parser.status() == 200);
    CHECK(parser.take_headers().get("one") == "1");
    CHECK(body == "abc");
  }
}

TEST_CASE("response parser: knows whether the connection can be used again") {
  auto reusable = [](const std::string& bytes) {
    ResponseParser parser(Expect::body);
    REQUIRE(parser.feed(bytes).has_value());
    return parser.done() && parser.reusable();
  };
  CHECK(reusable(test::response(200, "x")));
  CHECK(reusable(test::response(204, "")));
  CHECK_FALSE(reusable(test::response(200, "x") + "y"));
  CHECK_FALSE(reusable(test::response(200, "x", "Connection: close\r\n")));
  CHECK_FALSE(reusable("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"));
}

TEST_CASE("response parser: after CONNECT, the head is the whole response") {
  ResponseParser parser(Expect::tunnel);
  REQUIRE(parser.feed("HTTP/1.1 200 Established\r\n\r\n").has_value());
  CHECK(parser.head_done());
  CHECK(parser.status() == 200);
  CHECK(parser.take_body() == "");
}

TEST_CASE("response parser: the end of the connection ends a body without a length only") {
  ResponseParser open(Expect::body);
  REQUIRE(open.feed("HTTP/1.1 200 OK\r\n\r\nabc").has_value());
  CHECK_FALSE(open.done());
  CHECK(open.end().has_value());
  CHECK(open.done());
  CHECK_FALSE(open.reusable());
  CHECK_FALSE(open.content_length());
  ResponseParser cut(Expect::body);
  REQUIRE(cut.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc").has_value());
  CHECK(cut.content_length() == 5);
  CHECK_FALSE(cut.end().has_value());
}

#include "machine/firecracker/api_message.h"

#include <algorithm>

#include "catch.h"
#include "machine/firecracker/bounds.h"

using namespace banger;
using namespace banger::machine::firecracker;

namespace {

Result<std::optional<ApiReply>> parse(std::string_view bytes, std::size_t step, bool end = false) {
  ReplyParser parser;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    parser.add(bytes.substr(at, step));
    auto reply = parser.next();
    if (!reply || *reply) return reply;
  }
  if (end) parser.end();
  return parser.next();
}

Error said(int status, std::string body) { return error_of({status, std::move(body)}); }

}  // namespace

TEST_CASE("firecracker api: an answer is read however it is cut, with its empty reason phrase") {
  std::string bytes =
      "HTTP/1.1 200 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\nContent-Type: "
      "application/json\r\ncontent-LENGTH: 2\r\n\r\n{}";
  for (std::size_t step : {1, 7, 4096}) {
    auto reply = parse(bytes, step);
    REQUIRE(reply);
    REQUIRE(*reply);
    CHECK((**reply).status == 200);
    CHECK((**reply).body == "{}");
  }
  auto done = parse("HTTP/1.1 204 \r\nServer: Firecracker API\r\n\r\n", 4096);
  REQUIRE(done);
  REQUIRE(*done);
  CHECK((**done).status == 204);
  CHECK((*parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n\r\n", 3))->status == 204);
  CHECK((*parse("HTTP/1.1 503 \r\n\r\nfull", 3, true))->body == "full");
}

TEST_CASE("firecracker api: an incomplete answer waits for more bytes, and is an error at the end") {
  CHECK(!*parse("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{", 4096));
  CHECK(parse("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{", 4096, true).error().code == ErrorCode::unavailable);
  CHECK(parse("", 1, true).error().message == "Firecracker closed its API socket");
  CHECK(parse("HTTP/1.1 20", 4096, true).error().code == ErrorCode::unavailable);
}

TEST_CASE("firecracker api: an answer that is not HTTP, or too long, is refused") {
  for (auto bytes :
       {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 2x4 \r\n\r\n", "HTTP/1.1 2040 \r\n\r\n", "HTTP/1.1 200 \r\nno colon\r\n\r\n",
        "HTTP/1.1 200 \r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 \r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 \r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"})
    CHECK(parse(bytes, 4096).error().code == ErrorCode::invalid);
  CHECK(parse("HTTP/1.1 200 \r\n" + std::string(limits::kFirecrackerHeadBytes, 'x'), 4096).error().code ==
        ErrorCode::exhausted);
  CHECK(parse("HTTP/1.1 200 \r\nContent-Length: 99999999\r\n\r\n", 4096).error().code == ErrorCode::exhausted);
  CHECK(parse("HTTP/1.1 200 \r\nContent-Length: 99999999999999999999999\r\n\r\n", 4096).error().code ==
        ErrorCode::exhausted);
  CHECK(parse("HTTP/1.1 200 \r\n\r\n" + std::string(limits::kFirecrackerBodyBytes + 1, 'x'), 65536).error().code ==
        ErrorCode::exhausted);
}

TEST_CASE("firecracker api: errors are understood in all three of their forms") {
  CHECK(said(400, R"({"fault_message":"The kernel file cannot be opened"})").message ==
        "The kernel file cannot be opened");
  CHECK(said(400, "{ \"error\": \"Invalid header.\nAll previous unanswered requests will be dropped.\" }").message ==
        "Invalid header. All previous unanswered requests will be dropped.");
  CHECK(said(400, "no JSON at all\n").message == "no JSON at all");
  CHECK(said(400, "").message == "Firecracker answered with status 400 and nothing else");
  CHECK(said(400, R"({"fault_message":7})").message == R"({"fault_message":7})");
  CHECK(said(400, R"({"fault_message":"\u001b[31mred"})").message == "\\x1b[31mred");
  CHECK(said(400, std::string(5000, 'x')).message.size() <= 500 + 3);
}

TEST_CASE("firecracker api: an error says whether asking again can help") {
  CHECK(said(503, R"({ "error": "Too many open connections" })").code == ErrorCode::busy);
  CHECK(said(413, "").code == ErrorCode::exhausted);
  CHECK(said(400, R"({"fault_message":"… unknown field `x`, expected one of `y`"})").code == ErrorCode::unsupported);
  CHECK(said(400, R"({"fault_message":"Invalid request method and/or path: PUT serial."})").code ==
        ErrorCode::unsupported);
  CHECK(said(400, R"({"fault_message":"Open tap device failed"})").code == ErrorCode::unavailable);
}

TEST_CASE("firecracker api: a request carries its length, and one that would be refused for it is not sent") {
  CHECK(to_bytes({"GET", "/version", ""}) ==
        "GET /version HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n");
  auto put = to_bytes({"PUT", "/entropy", "{}"});
  REQUIRE(put);
  CHECK(put->ends_with("Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"));
  CHECK(!to_bytes({"PUT", "/" + std::string(1024, 'x'), "{}"}));
  CHECK(!to_bytes({"PUT", "/vsock", std::string(51201, ' ')}));
}

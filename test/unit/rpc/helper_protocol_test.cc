// Requests to the root helper and its replies.
#include "rpc/helper_protocol.h"

#include "base/bounds.h"
#include "catch.h"

using namespace banger;
using namespace banger::rpc;

TEST_CASE("helper protocol: a request survives encoding") {
  auto line = encode_helper_request("tap.create", {{"name", "bg-1"}, {"number", 7}});
  REQUIRE(line.ends_with('\n'));
  auto request = parse_helper_request(std::string_view(line).substr(0, line.size() - 1));
  REQUIRE(request);
  CHECK(request->operation == "tap.create");
  CHECK(request->arguments == Json{{"name", "bg-1"}, {"number", 7}});
  CHECK(parse_helper_request(R"({"operation":"x"})")->arguments == Json::object());
}

TEST_CASE("helper protocol: anything but one request object is refused") {
  for (auto* line : {"", "{", "[]", "null", "1", R"("x")", "{}", R"({"operation":1})", R"({"operation":null})",
                     R"({"operation":"x","arguments":[]})", R"({"operation":"x","arguments":null})",
                     R"({"operation":"x","arguments":"y"})", R"({"operation":"x","argument":{}})",
                     R"({"operation":"x"} {"operation":"y"})", "{\"operation\":\"\xff\"}"}) {
    INFO(line);
    auto request = parse_helper_request(line);
    REQUIRE_FALSE(request);
    CHECK(request.error().code == ErrorCode::invalid);
  }
  CHECK_FALSE(parse_helper_request(R"({"operation":"x","arguments":{"a":")" +
                                   std::string(limits::kHelperMessageBytes, 'x') + "\"}}"));
}

TEST_CASE("helper protocol: a reply is a result or the helper's error") {
  auto strip = [](std::string line) { return line.substr(0, line.size() - 1); };
  CHECK(*parse_helper_reply(strip(encode_helper_result({{"a", 1}}))) == Json{{"a", 1}});
  Error error{.code = ErrorCode::busy, .message = "tap", .sys_errno = 16, .hint = "wait"};
  auto told = parse_helper_reply(strip(encode_helper_error(error))).error();
  CHECK(told.code == ErrorCode::busy);
  CHECK(told.sentence() == error.sentence());
  CHECK(told.sys_errno == 16);
  for (auto* line : {"", "{}", "[]", R"({"result":1})", R"({"error":{}})", R"({"error":{"code":1,"message":"x"}})",
                     R"({"error":"x"})"})
    CHECK(parse_helper_reply(line).error().code == ErrorCode::invalid);
}

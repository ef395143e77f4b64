// Framing and message shapes: every byte sequence gives calls, answers or errors, and nothing else.
#include "rpc/protocol.h"

#include "base/bounds.h"
#include "catch.h"
#include "rpc/bounds.h"

using namespace banger;
using namespace banger::rpc;

TEST_CASE("line reader: lines are whole, wherever the bytes are cut") {
  std::string bytes = "one\n\ntwo\nrest";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    LineReader reader;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(bytes.substr(at, step));
      for (;;) {
        auto line = reader.next();
        REQUIRE(line);
        if (!*line) break;
        lines.push_back(**line);
      }
    }
    CHECK(lines == std::vector<std::string>{"one", "", "two"});
    CHECK(reader.buffered() == 4);
    CHECK(reader.take_rest() == "rest");
    CHECK(reader.buffered() == 0);
    reader.feed("next\n");
    CHECK(reader.next().value() == "next");
  }
}

TEST_CASE("line reader: a line of the limit passes, one byte more is refused even without its newline") {
  LineReader reader;
  reader.feed(std::string(limits::kRpcMessageBytes, 'a') + "\n");
  CHECK(reader.next().value().value().size() == limits::kRpcMessageBytes);
  reader.feed(std::string(limits::kRpcMessageBytes, 'a'));
  CHECK_FALSE(reader.next().value());
  reader.feed("a");
  CHECK(reader.next().error().code == ErrorCode::invalid);
  CHECK(reader.next().error().code == ErrorCode::invalid);
}

TEST_CASE("call: an encoded call parses back; parameters may be absent or null") {
  auto line = encode_call(7, "vm.show", {{"vm", "web"}});
  REQUIRE(line);
  REQUIRE(line->ends_with('\n'));
  auto call = parse_call(*line);
  REQUIRE(call);
  CHECK(call->id == 7);
  CHECK(call->method == "vm.show");
  CHECK(call->params == Json{{"vm", "web"}});
  CHECK(parse_call(*encode_call(1, "m", {}))->params == Json::object());
  CHECK(parse_call(R"({"id":"a","method":"m","params":null})")->params == Json::object());
  CHECK(parse_call(R"({"method":"m"})")->id.is_null());
}

TEST_CASE("call: a parameter that is not UTF-8 is refused by name and never changed") {
  for (int byte = 0x80; byte < 0x100; ++byte) {
    auto refused = encode_call(1, "vm.show", {{"vm", std::string("x") + static_cast<char>(byte)}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid);
    CHECK(refused.error().message == "the parameter 'vm' is not UTF-8 text");
  }
}

TEST_CASE("call: anything but one request object is refused, with the id if there is one") {
  auto bad = [](std::string_view line) {
    auto call = parse_call(line);
    REQUIRE_FALSE(call);
    CHECK(call.error().error.code == ErrorCode::invalid);
    CHECK_FALSE(call.error().error.message.empty());
    return call.error();
  };
  for (const char* line : {"", "{", "nope", "{\"id\":1", "\xff\xfe",
                           R"({"id":1,"method":")"
                           "\xc3\x28"
                           R"("})",
                           R"({"id":1e999})", "{} {}"})
    CHECK(bad(line).code == WireCode::parse_error);
  CHECK(bad(std::string(100000, '[')).code == WireCode::parse_error);
  CHECK(bad(R"({"id":1,"method":"m","params":)" + std::string(40, '[') + std::string(40, ']') + "}").code ==
        WireCode::parse_error);
  for (const char* line :
       {"1", "null", "[]", R"([{"id":1,"method":"m"}])", R"({"id":null,"method":"m"})", R"({"id":1.5,"method":"m"})",
        R"({"id":{},"method":"m"})", R"({"id":true,"method":"m"})", "{}"}) {
    CHECK(bad(line).code == WireCode::by_error);
    CHECK(bad(line).id.is_null());
  }
  for (const char* line : {R"({"id":9})", R"({"id":9,"method":1})", R"({"id":9,"method":"m","params":[1]})",
                           R"({"id":9,"method":"m","params":"x"})", R"({"id":9,"method":"m","jsonrpc":"1.0"})",
                           R"({"id":9,"method":"m","jsonrpc":2})"})
    CHECK(bad(line).id == 9);
  CHECK(parse_call(R"({"method":"m","id":")" + std::string(limits::kRpcIdBytes, 'i') + "\"}"));
  bad(R"({"method":"m","id":")" + std::string(limits::kRpcIdBytes + 1, 'i') + "\"}");
}

TEST_CASE("answers: results, errors and progress survive a round trip") {
  auto result = parse_reply(encode_result("x", {{"a", 1}}));
  REQUIRE(result);
  CHECK(result->kind == Reply::Kind::result);
  CHECK(result->id == "x");
  CHECK(result->result == Json{{"a", 1}});
  CHECK(parse_reply(encode_result(1, nullptr))->kind == Reply::Kind::result);

  auto error = parse_reply(encode_error(3, Error{ErrorCode::busy, "it is in use", 16, "stop it first"}));
  REQUIRE(error);
  CHECK(error->kind == Reply::Kind::error);
  CHECK(error->id == 3);
  CHECK(error->error.code == ErrorCode::busy);
  CHECK(error->error.sentence() == "it is in use (hint: stop it first)");
  CHECK(error->error.sys_errno == 16);

  auto progress = parse_reply(encode_progress(4, "boot", "kernel", 50));
  REQUIRE(progress);
  CHECK(progress->kind == Reply::Kind::progress);
  CHECK(progress->id == 4);
  CHECK(progress->result.at("stage") == "boot");
  CHECK(progress->result.at("percent") == 50);
}

TEST_CASE("errors: the JSON-RPC number follows the kind") {
  auto number = [](const Error& error, WireCode code = WireCode::by_error) {
    return Json::parse(encode_error(1, error, code)).at("error").at("code").get<int>();
  };
  CHECK(number({ErrorCode::invalid, "x"}) == -32602);
  CHECK(number({ErrorCode::not_found, "x"}) == -32000);
  CHECK(number({ErrorCode::not_found, "x"}, WireCode::unknown_method) == -32601);
  CHECK(number({ErrorCode::invalid, "x"}, WireCode::parse_error) == -32700);
}

TEST_CASE("answers: text that is not UTF-8 is replaced, newlines stay inside the line") {
  auto line = encode_error(1, Error{ErrorCode::internal, "bad \xff bytes\nand lines"});
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(parse_reply(line)->error.message == "bad \xef\xbf\xbd bytes\nand lines");
}

TEST_CASE("answers: a malformed answer is refused") {
  for (const char* line : {"", "1", "[]", "{}", R"({"id":1})", R"({"error":1})", R"({"error":{"message":2}})",
                           R"({"method":"other","params":{}})", R"({"method":"progress"})",
                           R"({"method":"progress","params":[]})", R"({"error":{"message":"m","data":{"code":1}}})"})
    CHECK(parse_reply(line).error().code == ErrorCode::invalid);
}

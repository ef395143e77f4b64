#include "link/exec_frames.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "link/bounds.h"

using namespace banger;
using namespace banger::link;

namespace {

std::string frame(FrameType type, std::string_view payload) {
  std::string bytes;
  encode_frame(type, payload, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("exec frames: layout is type, big-endian length, payload") {
  CHECK(frame(FrameType::signal, "\x0f") == std::string("\x04\0\0\0\x01\x0f", 6));
  auto big = frame(FrameType::stdout_data, std::string(limits::kLinkFrameBytes, 'x'));
  CHECK(big.substr(0, 5) == std::string("\x11\0\x01\0\0", 5));
}

TEST_CASE("exec frames: any cutting of the stream gives the same frames") {
  auto bytes = frame(FrameType::stdin_data, "hello") + frame(FrameType::stdin_end, "") +
               frame(FrameType::stderr_data, std::string(limits::kLinkFrameBytes, 'y'));
  for (std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, bytes.size()}) {
    FrameDecoder decoder;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      decoder.feed(std::string_view(bytes).substr(at, step));
      for (;;) {
        auto next = decoder.next();
        REQUIRE(next);
        if (!*next) break;
        frames.push_back(std::move(**next));
      }
    }
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].payload == "hello");
    CHECK(frames[1].type == FrameType::stdin_end);
    CHECK(frames[2].payload.size() == limits::kLinkFrameBytes);
  }
}

TEST_CASE("exec frames: refuses unknown types and oversized lengths at once") {
  for (std::string bytes :
       {std::string("\0\0\0\0\0", 5), std::string("\x07\0\0\0\0", 5), std::string("\x16\0\0\0\0", 5),
        std::string("\x02\0\x01\0\x01", 5), std::string("\x02\xff\xff\xff\xff", 5)}) {
    FrameDecoder decoder;
    decoder.feed(bytes);
    auto next = decoder.next();
    REQUIRE_FALSE(next);
    CHECK(next.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("exec frames: a position has a time and two counts, and no other size") {
  auto position = decode_position(encode_position({.unix_ms = 1'700'000'000'000, .out = UINT64_MAX, .err = 258}));
  REQUIRE(position);
  CHECK(position->unix_ms == 1'700'000'000'000);
  CHECK(position->out == UINT64_MAX);
  CHECK(position->err == 258);
  for (std::size_t size : {0, 16, 23, 25}) CHECK_FALSE(decode_position(std::string(size, 'x')));
}

TEST_CASE("exec exit: code, signal and failure survive encoding") {
  auto code = decode_exit(FrameType::exit, encode_exit({.code = 7}));
  REQUIRE(code);
  CHECK(code->code == 7);
  auto signal = decode_exit(FrameType::exit, encode_exit({.signal = 9}));
  REQUIRE(signal);
  CHECK(signal->signal == 9);
  CHECK_FALSE(signal->ending);
  auto ending = decode_exit(FrameType::exit, encode_exit({.signal = 1, .ending = true}));
  REQUIRE(ending);
  CHECK(ending->signal == 1);
  CHECK(ending->ending);
  CHECK_FALSE(decode_exit(FrameType::exit, R"({"code": 0, "ending": 1})"));
  auto failed = decode_exit(FrameType::failed, encode_exit({.code = 127, .message = "not found"}));
  REQUIRE(failed);
  CHECK(failed->code == 127);
  CHECK(failed->message == "not found");
}

TEST_CASE("exec exit: the guest's text cannot touch the terminal and a failure always has one") {
  auto rude = decode_exit(FrameType::failed, R"({"code": 126, "message": "\u001b[2Jx"})");
  REQUIRE(rude);
  CHECK(rude->message == "\\x1b[2Jx");
  auto silent = decode_exit(FrameType::failed, R"({"code": 126, "message": ""})");
  REQUIRE(silent);
  CHECK_FALSE(silent->message.empty());
  CHECK(encode_exit({.code = 1, .message = std::string(200'000, 'x')}).size() < limits::kLinkFrameBytes);
}

TEST_CASE("exec exit: refuses anything else") {
  for (auto text : {"", "{}", "[]", "7", R"({"code": 256})", R"({"code": -1})", R"({"signal": 0})", R"({"signal": 65})",
                    R"({"code": 1, "signal": 9})", R"({"code": "1"})", R"({"code": 0)"}) {
    INFO(text);
    auto result = decode_exit(FrameType::exit, text);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::corrupt);
  }
  CHECK_FALSE(decode_exit(FrameType::failed, R"({"code": 1})"));
  CHECK_FALSE(decode_exit(FrameType::started, R"({"code": 1})"));
}

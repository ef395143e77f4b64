// A server that asks for a second ClientHello, and servers that do not.
#include "egress/hello_retry.h"

#include "catch.h"
#include "tls_wire.h"

using namespace banger::egress;
using namespace tls_wire;

namespace {

const std::string kRandom(
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2"
    "\xc8\xa8\x33\x9c",
    32);

std::string server_hello(const std::string& random, unsigned type = 2) {
  return number(type, 1) + sized(number(0x0303, 2) + random + sized("", 1) + number(0x1301, 2) + number(0, 1), 3);
}

RetryState state_of(const std::string& wire) { return HelloRetryParser().feed(wire); }

}  // namespace

TEST_CASE("hello retry: the random of the RFC asks for a second ClientHello, in every cut") {
  for (std::size_t record = 1; record < 50; ++record) {
    auto wire = records(server_hello(kRandom), record);
    CHECK(state_of(wire) == RetryState::retry);
    HelloRetryParser parser;
    for (char byte : wire) parser.feed({&byte, 1});
    CHECK(parser.state() == RetryState::retry);
  }
}

TEST_CASE("hello retry: any other answer is none") {
  CHECK(state_of(records(server_hello(std::string(32, 'r')))) == RetryState::none);
  CHECK(state_of(records(server_hello(kRandom, 1))) == RetryState::none);
  CHECK(state_of(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)) == RetryState::none);
  CHECK(state_of("HTTP/1.1 400 Bad Request\r\n") == RetryState::none);
}

TEST_CASE("hello retry: until the random is complete, it needs more") {
  auto wire = records(server_hello(kRandom));
  for (std::size_t size = 0; size < 5 + 6 + 32; ++size) CHECK(state_of(wire.substr(0, size)) == RetryState::need_more);
  CHECK(state_of(wire.substr(0, 5 + 6 + 32)) == RetryState::retry);
}

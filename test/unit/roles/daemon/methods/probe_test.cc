// The request that a probe sends, and HTTPS or HTTP by the first bytes of the answer.
#include "roles/daemon/methods/probe.h"

#include "catch.h"

using namespace banger::roles::daemon;

TEST_CASE("probe: the request is one whole TLS record") {
  auto hello = tls_hello();
  REQUIRE(hello.size() > 9);
  auto number = [&](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(hello[at])} << 8 | static_cast<unsigned char>(hello[at + 1]);
  };
  CHECK(hello[0] == 22);
  CHECK(number(3) == hello.size() - 5);
  CHECK(hello[5] == 1);
  CHECK(hello[6] == 0);
  CHECK(number(7) == hello.size() - 9);
  // A server that reads lines finds the end of a line.
  CHECK(hello.find("\r\n\r\n") != hello.npos);
}

TEST_CASE("probe: a ServerHello and an alert are TLS, text is not") {
  CHECK(is_tls_answer(std::string("\x16\x03\x03\x00\x5a\x02", 6)));
  CHECK(is_tls_answer(std::string("\x15\x03\x01\x00\x02\x02\x28", 7)));
  CHECK_FALSE(is_tls_answer(std::string("\x16\x03\x03\x00\x5a\x01", 6)));  // an echo of the probe's own hello
  CHECK_FALSE(is_tls_answer(std::string("\x15\x03\x01\x01\x02\x02", 6)));
  CHECK_FALSE(is_tls_answer(std::string("\x16\x03\xff\x00\x5a\x02", 6)));
  CHECK_FALSE(is_tls_answer("HTTP/1.1 400 Bad Request"));
  CHECK_FALSE(is_tls_answer("SSH-2.0-OpenSSH"));
  CHECK_FALSE(is_tls_answer(""));
}

TEST_CASE("probe: an answer that begins like HTTP is HTTP") {
  CHECK(is_http_answer("HTTP/1.1 200 OK"));
  CHECK_FALSE(is_http_answer("SSH-2.0-OpenSSH"));
  CHECK_FALSE(is_http_answer("HTT"));
}

// Addresses and ports as they are written.
#include "host/endpoint.h"

#include "catch.h"

using namespace banger::host;

TEST_CASE("endpoint: an address and a port, back and forth") {
  auto endpoint = parse_endpoint("127.64.1.44:8080");
  REQUIRE(endpoint.has_value());
  CHECK(*endpoint == Endpoint{0x7f40012c, 8080});
  CHECK(to_string(*endpoint) == "127.64.1.44:8080");
  CHECK(ipv4_text(0xffffffff) == "255.255.255.255");
}

TEST_CASE("endpoint: anything else is refused") {
  for (std::string_view text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80x",
                                "127.0.0.1:-1", "localhost:80", "[::1]:80", "1.2.3:80", "127.0.0.1 :80", ":80"}) {
    INFO(text);
    auto endpoint = parse_endpoint(text);
    REQUIRE_FALSE(endpoint.has_value());
    CHECK_FALSE(endpoint.error().hint.empty());
  }
  CHECK_FALSE(parse_ipv4(std::string_view("127.0.0.1\0", 10)).has_value());
}

// Which addresses are of this host, of its network, or of anybody.
#include "http/address.h"

#include "catch.h"

using namespace banger::http;

namespace {

Reach reach(std::string_view text) {
  auto address = parse_address(text);
  INFO(text);
  REQUIRE(address.has_value());
  return reach_of(*address);
}

}  // namespace

TEST_CASE("address: both families are read and written") {
  for (auto* text : {"127.0.0.1", "255.255.255.255", "::1", "2001:db8::1", "::"})
    CHECK(to_string(parse_address(text).value()) == text);
  CHECK(to_string(parse_address("::ffff:10.0.0.1").value()) == "10.0.0.1");
  CHECK(is_v4(parse_address("10.0.0.1").value()));
  CHECK_FALSE(is_v4(parse_address("::1").value()));
  for (auto* text : {"", "localhost", "1.2.3", "1.2.3.256", "01.2.3.4", "::g", "fe80::1%eth0", "[::1]"})
    CHECK_FALSE(parse_address(text));
  CHECK_FALSE(parse_address(std::string_view("::1\0x", 5)));
}

TEST_CASE("address: the reach of each kind of address") {
  for (auto* text : {"127.0.0.1", "127.64.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"})
    CHECK(reach(text) == Reach::loopback);
  for (auto* text : {"0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
                     "192.168.0.1", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "fc00::1", "fd00::1", "ff02::1",
                     "::ffff:169.254.169.254", "64:ff9b::10.0.0.1", "2002:a9fe:a9fe::1"})
    CHECK(reach(text) == Reach::local);
  for (auto* text :
       {"1.1.1.1", "172.32.0.1", "172.15.0.1", "100.128.0.1", "11.0.0.1", "2606:4700::1", "64:ff9b::1.1.1.1"})
    CHECK(reach(text) == Reach::global);
}

TEST_CASE("address: the reach of a name is known only for localhost") {
  CHECK(known_reach("localhost") == Reach::loopback);
  CHECK(known_reach("registry.localhost") == Reach::loopback);
  CHECK(known_reach("192.168.1.1") == Reach::local);
  CHECK_FALSE(known_reach("notlocalhost"));
  CHECK_FALSE(known_reach("localhost.example"));
}

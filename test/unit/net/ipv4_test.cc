#include "net/ipv4.h"

#include "catch.h"
#include "net/addresses.h"

using namespace banger;
using namespace banger::net;

TEST_CASE("ipv4: four decimal numbers, and nothing else") {
  CHECK(parse_ipv4("172.16.0.1") == 0xac100001u);
  CHECK(to_text(0xac100001) == "172.16.0.1");
  for (std::string_view bad :
       {"", "172.16.0", "172.16.0.256", "172.16.0.1/24", " 172.16.0.1", "0x7f.1", "::1", "1.2.3.4;reboot"})
    CHECK(parse_ipv4(bad).error().code == ErrorCode::invalid);
  CHECK_FALSE(parse_ipv4(std::string_view("1.2.3.4\0x", 9)));
}

TEST_CASE("ipv4: a range knows its ends and what overlaps it") {
  auto range = Range::around(0xac100005, 24);
  CHECK(range.text() == "172.16.0.0/24");
  CHECK(to_text(range.last()) == "172.16.0.255");
  CHECK(range.contains(0xac1000ff));
  CHECK_FALSE(range.contains(0xac100100));
  CHECK(range.overlaps(Range::around(0xac100000, 16)));
  CHECK(Range::around(0xac100000, 16).overlaps(range));
  CHECK_FALSE(range.overlaps(Range::around(0xac100100, 24)));
  CHECK(Range::around(0xffffffff, 32).last() == 0xffffffffu);
  CHECK(Range::around(0x12345678, 0).overlaps(range));
}

TEST_CASE("ipv4: only RFC 1918 is private") {
  CHECK(is_private({0xac100000, 24}));
  CHECK(is_private({0xc0a80000, 16}));
  CHECK_FALSE(is_private({0xac000000, 8}));  // more than 172.16/12
  CHECK_FALSE(is_private({0x08080800, 24}));
}

TEST_CASE("ipv4: leases are the lowest free address, never the host's or the range's ends") {
  auto range = Range::around(0xac100000, 30);  // two hosts
  CHECK(free_address(range, 0xac100001, {}) == 0xac100002u);
  std::vector<Ipv4> taken{0xac100002};
  CHECK_FALSE(free_address(range, 0xac100001, taken));
  auto wide = Range::around(0xac100000, 24);
  CHECK(free_address(wide, 0xac100001, taken) == 0xac100003u);
}

TEST_CASE("addresses: on the bridge the MAC is the address's, and a tap's name is its number's") {
  CHECK(bridge_mac(0xac100005) == "52:54:ac:10:00:05");
  CHECK(tap_name(3) == "bg-3");
  CHECK(tap_number("bg-3") == 3);
  for (const char* other : {"bg-", "bg-x", "bg-3x", "bg-99999999999", "bg-4097", "br-3", ""})
    CHECK(tap_number(other) == 0);
}

// The borders of the ranges that are closed by default.
#include "egress/closed.h"

#include "catch.h"

using namespace banger;

TEST_CASE("closed: the ranges are sorted and disjoint") {
  auto all = egress::closed_ranges();
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(net::Range::around(all[i].range.first, all[i].range.prefix) == all[i].range);
    if (i > 0) CHECK(all[i].range.first > all[i - 1].range.last());
  }
}

TEST_CASE("closed: networks around the host, metadata of clouds, and what is no host") {
  for (const char* text :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255", "100.64.0.0",   "100.100.100.200",
        "100.127.255.255", "127.0.0.1",       "127.255.255.255", "168.63.129.16",  "169.254.0.0",  "169.254.169.254",
        "169.254.255.255", "172.16.0.0",      "172.31.255.255",  "192.0.0.192",    "192.0.2.1",    "192.88.99.1",
        "192.168.0.0",     "192.168.255.255", "198.18.0.0",      "198.19.255.255", "198.51.100.7", "203.0.113.7",
        "224.0.0.0",       "239.255.255.255", "240.0.0.0",       "255.255.255.255"}) {
    INFO(text);
    const auto* closed = egress::closed_range_of(*net::parse_ipv4(text));
    REQUIRE(closed);
    CHECK_FALSE(closed->what.empty());
  }
}

TEST_CASE("closed: their neighbours are the internet") {
  for (const char* text :
       {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"}) {
    INFO(text);
    CHECK_FALSE(egress::closed_range_of(*net::parse_ipv4(text)));
  }
}

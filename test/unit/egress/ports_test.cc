// Ports as users write them, and sets of them compared with the slow and plain way.
#include "egress/ports.h"

#include <array>
#include <random>

#include "catch.h"

using namespace banger::egress;

TEST_CASE("ports: a port or a range") {
  CHECK(parse_ports("443") == PortRange{443, 443});
  CHECK(parse_ports("1-65535") == kAnyPort);
  CHECK(parse_ports("80-80") == PortRange{80, 80});
  CHECK(to_text(PortRange{443, 443}) == "443");
  CHECK(to_text(PortRange{8000, 8100}) == "8000-8100");
}

TEST_CASE("ports: other texts are none") {
  for (std::string_view text : {"", "0", "0-5", "65536", "99999999999", "-1", "+1", "1-", "-", "2-1", "1-2-3", " 1",
                                "1 ", "08", "http", "0x50", "*"}) {
    INFO(text);
    CHECK_FALSE(parse_ports(text));
  }
}

TEST_CASE("ports: ranges that touch become one") {
  Ports ports;
  CHECK(ports.empty());
  ports.add({10, 20});
  ports.add({30, 40});
  ports.add({21, 21});
  CHECK(ports.ranges() == std::vector<PortRange>{{10, 21}, {30, 40}});
  ports.add({15, 29});
  CHECK(ports.ranges() == std::vector<PortRange>{{10, 40}});
  ports.add(Ports(PortRange{1, 1}));
  CHECK(ports.ranges() == std::vector<PortRange>{{1, 1}, {10, 40}});
  ports.add(kAnyPort);
  CHECK(ports == Ports(kAnyPort));
}

TEST_CASE("ports: a set has exactly what was added") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::array<bool, 70> plain{};
    Ports ports;
    for (int i = 0; i < 8; ++i) {
      auto first = static_cast<std::uint16_t>(1 + random() % 60),
           last = static_cast<std::uint16_t>(first + random() % 8);
      ports.add({first, last});
      for (auto port = first; port <= last; ++port) plain[port] = true;
    }
    for (std::uint16_t port = 0; port < plain.size(); ++port) REQUIRE(ports.contains(port) == plain[port]);
    for (std::size_t i = 1; i < ports.ranges().size(); ++i)
      REQUIRE(ports.ranges()[i].first > ports.ranges()[i - 1].last + 1);
  }
}

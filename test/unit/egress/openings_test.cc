// What is open, until when, and what a firewall is told: the told changes always add up to what is open.
#include "egress/openings.h"

#include <fmt/format.h>

#include <random>

#include "catch.h"
#include "egress/bounds.h"

using namespace banger;
using namespace banger::egress;
using namespace std::chrono_literals;

namespace {

constexpr Instant kNow(16000s);  // a multiple of the grain
constexpr Ipv4 kAddress = 0x5db8d822;
constexpr PortRange kTls{443, 443}, kWeb{80, 80};

Opening opening(std::string name, Ports ports, std::chrono::seconds stays, Ipv4 address = kAddress) {
  return {address, std::move(name), std::move(ports), kNow + stays};
}

/// The set of a firewall that gets all changes. Refuses what nft would refuse.
class Set {
 public:
  void apply(const Changes& changes) {
    for (const auto& element : changes.removed) REQUIRE(elements_.erase(element) == 1);
    for (const auto& element : changes.added) {
      for (const auto& old : elements_)
        if (old.address == element.address)
          REQUIRE((old.ports.last < element.ports.first || element.ports.last < old.ports.first));
      elements_.insert(element);
    }
  }
  bool equals(const Openings& openings) const {
    return std::vector(elements_.begin(), elements_.end()) == openings.elements();
  }
  bool allows(Ipv4 address, std::uint16_t port, Instant now) const {
    for (const auto& element : elements_)
      if (element.address == address && element.ports.contains(port) && element.ends > now) return true;
    return false;
  }

 private:
  std::set<Element> elements_;
};

}  // namespace

TEST_CASE("openings: an address is open until its end") {
  Openings openings;
  auto changes = openings.open({opening("a.org", kTls, 64s)}, kNow);
  CHECK(changes.removed.empty());
  CHECK(changes.added == std::vector<Element>{{kAddress, kTls, kNow + 64s}});
  CHECK(openings.is_open(kAddress, 443, kNow));
  CHECK(openings.is_open(kAddress, 443, kNow + 63s));
  CHECK_FALSE(openings.is_open(kAddress, 443, kNow + 64s));
  CHECK_FALSE(openings.is_open(kAddress, 80, kNow));
  CHECK_FALSE(openings.is_open(kAddress + 1, 443, kNow));
  CHECK(openings.has(kAddress, kNow));
  CHECK(openings.names_for(kAddress, kNow) == std::vector<std::string>{"a.org"});
  CHECK(openings.names_for(kAddress, kNow + 64s).empty());
  CHECK(openings.next_end() == kNow + 64s);
  CHECK(openings.expire(kNow + 63s).empty());
  CHECK(openings.expire(kNow + 64s).removed == changes.added);
  CHECK(openings.size() == 0);
  CHECK_FALSE(openings.next_end());
}

TEST_CASE("openings: ends are rounded up, so a repeated lookup changes nothing") {
  Openings openings;
  CHECK(openings.open({opening("a.org", kTls, 60s)}, kNow).added.at(0).ends == kNow + 64s);
  CHECK(openings.open({opening("a.org", kTls, 62s)}, kNow + 2s).empty());
  CHECK(openings.open({opening("a.org", kTls, 30s)}, kNow + 2s).empty());
  auto later = openings.open({opening("a.org", kTls, 66s)}, kNow + 2s);
  CHECK(later.removed == std::vector<Element>{{kAddress, kTls, kNow + 64s}});
  CHECK(later.added == std::vector<Element>{{kAddress, kTls, kNow + 80s}});
}

TEST_CASE("openings: names of one address share it, the last end of each port counts") {
  Openings openings;
  openings.open({opening("a.org", kTls, 64s), opening("b.org", PortRange{440, 450}, 32s)}, kNow);
  CHECK(openings.elements() == std::vector<Element>{{kAddress, {440, 442}, kNow + 32s},
                                                    {kAddress, {443, 443}, kNow + 64s},
                                                    {kAddress, {444, 450}, kNow + 32s}});
  CHECK(openings.names_for(kAddress, kNow).size() == 2);
  auto changes = openings.expire(kNow + 32s);
  CHECK(changes.removed.size() == 2);
  CHECK(changes.added.empty());
  CHECK(openings.is_open(kAddress, 443, kNow + 32s));
  CHECK_FALSE(openings.is_open(kAddress, 442, kNow + 32s));
}

TEST_CASE("openings: neighbours with one end are one element") {
  Openings openings;
  auto changes =
      openings.open({opening("a.org", PortRange{1, 99}, 64s), opening("b.org", PortRange{100, 200}, 64s)}, kNow);
  CHECK(changes.added == std::vector<Element>{{kAddress, {1, 200}, kNow + 64s}});
  CHECK(openings.open({opening("c.org", kAnyPort, 64s)}, kNow).added ==
        std::vector<Element>{{kAddress, kAnyPort, kNow + 64s}});
}

TEST_CASE("openings: what has ended already, or has no ports, is not opened") {
  Openings openings;
  CHECK(openings.open({opening("a.org", kTls, -32s), opening("b.org", Ports(), 64s)}, kNow).empty());
  CHECK(openings.size() == 0);
}

TEST_CASE("openings: clear closes everything") {
  Openings openings;
  auto added = openings.open({opening("a.org", kTls, 64s), opening("b.org", kTls, 64s, 1)}, kNow).added;
  CHECK(openings.clear().removed == added);
  CHECK(openings.elements().empty());
  CHECK(openings.clear().empty());
}

TEST_CASE("openings: a changed policy closes names, or changes their ports") {
  Openings openings;
  openings.open({opening("a.org", kTls, 64s), opening("b.org", kTls, 64s, 1), opening("c.org", kTls, 64s, 2)}, kNow);
  auto changes = openings.revise(
      [](Ipv4, const std::string& name) {
        return name == "a.org" ? Ports() : name == "b.org" ? Ports(kWeb) : Ports(kTls);
      },
      kNow);
  CHECK(changes.removed == std::vector<Element>{{1, kTls, kNow + 64s}, {kAddress, kTls, kNow + 64s}});
  CHECK(changes.added == std::vector<Element>{{1, kWeb, kNow + 64s}});
  CHECK(openings.is_open(2, 443, kNow));
}

TEST_CASE("openings: beyond the limits, what ends first is closed") {
  Openings openings(3, 2);
  for (int i = 0; i < 3; ++i) openings.open({opening(fmt::format("{}.org", i), kTls, 64s - 16s * i)}, kNow);
  CHECK(openings.names_for(kAddress, kNow) == std::vector<std::string>{"0.org", "1.org"});
  openings.open({opening("x.org", kTls, 160s, 1), opening("x.org", kTls, 160s, 2)}, kNow);
  CHECK(openings.size() == 3);
  CHECK(openings.names_for(kAddress, kNow) == std::vector<std::string>{"0.org"});
}

TEST_CASE("openings: ten thousand names") {
  Openings openings;
  Set set;
  for (unsigned i = 0; i < 10000; ++i) {
    auto changes =
        openings.open({opening(fmt::format("host-{}.example.org", i), kTls, 3600s, 0x5d000000 + i / 2)}, kNow);
    CHECK(changes.added.size() == (i % 2 ? 0 : 1));
  }
  CHECK(openings.size() == 10000);
  CHECK(openings.elements().size() == 5000);
  CHECK(openings.names_for(0x5d000000, kNow).size() == 2);
  CHECK(openings.expire(kNow + 2h).removed.size() == 5000);
}

TEST_CASE("openings: the changes add up, whatever happens") {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    Openings openings(12, 4);
    Set set;
    auto now = kNow;
    for (int step = 0; step < 100; ++step) {
      now += std::chrono::seconds(random() % 20);
      auto first = static_cast<std::uint16_t>(1 + random() % 20);
      Opening next{static_cast<Ipv4>(random() % 4), fmt::format("{}", random() % 6),
                   PortRange{first, static_cast<std::uint16_t>(first + random() % 9)},
                   now + std::chrono::seconds(random() % 100)};
      switch (random() % 8) {
        case 0:
          set.apply(openings.expire(now));
          break;
        case 1:
          set.apply(openings.revise(
              [&](Ipv4, const std::string& name) { return name == next.name ? Ports() : next.ports; }, now));
          break;
        default:
          set.apply(openings.open({next}, now));
      }
      REQUIRE(set.equals(openings));
      REQUIRE(openings.size() <= 12);
      for (Ipv4 address = 0; address < 4; ++address)
        for (std::uint16_t port = 1; port < 30; ++port)
          REQUIRE(set.allows(address, port, now) == openings.is_open(address, port, now));
    }
    set.apply(openings.clear());
    REQUIRE(set.equals(openings));
  }
}

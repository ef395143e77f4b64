// Addresses found by their rules, and compared with the list for a firewall.
#include "egress/address_table.h"

#include <random>

#include "catch.h"

using namespace banger;
using namespace banger::egress;

namespace {

Ipv4 at(const char* text) { return *net::parse_ipv4(text); }

/// Whether a list for a firewall has the address and the port.
bool in_list(const std::vector<OpenAddresses>& list, Ipv4 address, std::uint16_t port) {
  for (const auto& open : list)
    if (open.first <= address && address <= open.last) return open.ports.contains(port);
  return false;
}

}  // namespace

TEST_CASE("address table: ranges inside each other add their ports") {
  AddressTable table;
  table.add({at("93.184.0.0"), 16}, {443, 443});
  table.add({at("93.184.216.34"), 32}, {22, 22});
  CHECK(table.allows(at("93.184.216.34"), 22));
  CHECK(table.allows(at("93.184.216.34"), 443));
  CHECK_FALSE(table.allows(at("93.184.216.35"), 22));
  CHECK(table.allows(at("93.184.255.255"), 443));
  CHECK_FALSE(table.allows(at("93.185.0.0"), 443));
  CHECK(table.ports_of(at("93.184.216.34")).ranges().size() == 2);
}

TEST_CASE("address table: a range around a closed network does not open it") {
  AddressTable table;
  table.add({0, 0}, kAnyPort);
  table.add({at("192.168.0.0"), 15}, kAnyPort);
  CHECK(table.allows(at("93.184.216.34"), 443));
  CHECK(table.allows(at("192.169.0.1"), 443));
  for (const char* text : {"10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "224.0.0.1"}) {
    INFO(text);
    CHECK(table.is_closed(at(text)));
    CHECK_FALSE(table.allows(at(text), 443));
  }
}

TEST_CASE("address table: a range inside a closed network opens that range") {
  AddressTable table;
  table.add({at("192.168.1.0"), 24}, kAnyPort);
  table.add({at("10.0.0.0"), 8}, {53, 53});
  table.add({at("169.254.169.254"), 32}, {80, 80});
  CHECK(table.allows(at("192.168.1.77"), 1));
  CHECK_FALSE(table.allows(at("192.168.2.1"), 1));
  CHECK(table.allows(at("10.255.0.1"), 53));
  CHECK_FALSE(table.allows(at("10.255.0.1"), 54));
  CHECK(table.allows(at("169.254.169.254"), 80));
  CHECK_FALSE(table.allows(at("169.254.169.253"), 80));
}

TEST_CASE("address table: an address of this host needs a rule of its own") {
  AddressTable table;
  table.set_host_addresses({at("192.168.1.10"), at("93.184.216.34")});
  table.add({at("192.168.1.0"), 24}, kAnyPort);
  table.add({at("93.184.216.0"), 24}, kAnyPort);
  CHECK_FALSE(table.allows(at("192.168.1.10"), 22));
  CHECK_FALSE(table.allows(at("93.184.216.34"), 22));
  CHECK(table.is_closed(at("93.184.216.34")));
  CHECK(table.is_host(at("93.184.216.34")));
  CHECK(table.allows(at("192.168.1.11"), 22));
  table.add({at("192.168.1.10"), 32}, {22, 22});
  CHECK(table.allows(at("192.168.1.10"), 22));
  CHECK_FALSE(table.allows(at("192.168.1.10"), 23));
  table.set_host_addresses({});
  CHECK(table.allows(at("192.168.1.10"), 23));
}

TEST_CASE("address table: without rules, the list is what is not closed, or nothing") {
  AddressTable table;
  CHECK(table.open_addresses(Ports()).empty());
  auto list = table.open_addresses(Ports(kAnyPort));
  REQUIRE_FALSE(list.empty());
  CHECK(list[0] == OpenAddresses{at("1.0.0.0"), at("9.255.255.255"), kAnyPort});
  CHECK(list.back() == OpenAddresses{at("203.0.114.0"), at("223.255.255.255"), kAnyPort});
}

TEST_CASE("address table: the list for a firewall and the lookup agree") {
  std::mt19937 random(11);
  for (int round = 0; round < 30; ++round) {
    AddressTable table;
    std::vector<Ipv4> interesting = {0, UINT32_MAX};
    for (int i = 0; i < 20; ++i) {
      constexpr Ipv4 kBases[] = {0x0a000000, 0xc0a80100, 0x5db8d800, 0xa9fea900};
      auto range = net::Range::around(kBases[random() % 4] + random() % 512, random() % 33);
      auto first = static_cast<std::uint16_t>(1 + random() % 100);
      table.add(range, {first, static_cast<std::uint16_t>(first + random() % 50)});
      for (auto place : {range.first - 1, range.first, range.last(), range.last() + 1}) interesting.push_back(place);
    }
    table.set_host_addresses({interesting[5], interesting[9]});
    bool open = round % 2;
    auto list = table.open_addresses(open ? Ports(kAnyPort) : Ports());
    for (auto address : interesting)
      for (std::uint16_t port = 1; port < 152; port += 10)
        REQUIRE(in_list(list, address, port) == ((open && !table.is_closed(address)) || table.allows(address, port)));
    for (std::size_t i = 1; i < list.size(); ++i) REQUIRE(list[i].first > list[i - 1].last);
  }
}

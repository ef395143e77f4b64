#include "egress/address_table.h"

#include <algorithm>

#include "egress/closed.h"

namespace banger::egress {

namespace {

constexpr std::uint32_t kAddressBits = 32;

std::uint64_t key_of(const net::Range& range) { return std::uint64_t{range.first} << 8 | range.prefix; }

}  // namespace

void AddressTable::add(const net::Range& range, PortRange ports) {
  ranges_[key_of(range)].add(ports);
  lengths_ |= std::uint64_t{1} << range.prefix;
}

// The shortest prefix of a rule that counts at this address.
std::uint32_t AddressTable::least_prefix(Ipv4 address) const {
  if (is_host(address)) return kAddressBits;
  const auto* closed = closed_range_of(address);
  return closed ? closed->range.prefix : 0;
}

// Calls `visit` with the ports of each rule that counts at the address, until it returns false.
template <class Visit>
void AddressTable::visit(Ipv4 address, Visit visit) const {
  for (auto prefix = least_prefix(address); prefix <= kAddressBits; ++prefix) {
    if (!(lengths_ >> prefix & 1)) continue;
    auto found = ranges_.find(key_of(net::Range::around(address, prefix)));
    if (found != ranges_.end() && !visit(found->second)) return;
  }
}

bool AddressTable::allows(Ipv4 address, std::uint16_t port) const {
  bool allowed = false;
  visit(address, [&](const Ports& ports) {
    allowed = ports.contains(port);
    return !allowed;
  });
  return allowed;
}

Ports AddressTable::ports_of(Ipv4 address) const {
  Ports all;
  visit(address, [&](const Ports& ports) {
    all.add(ports);
    return true;
  });
  return all;
}

// Every place where other rules may begin to count. The last one is behind the last address.
std::vector<std::uint64_t> AddressTable::borders() const {
  std::vector<std::uint64_t> places = {0, std::uint64_t{1} << kAddressBits};
  auto add = [&](const net::Range& range) {
    places.push_back(range.first);
    places.push_back(std::uint64_t{range.last()} + 1);
  };
  for (const auto& [key, ports] : ranges_) add({static_cast<Ipv4>(key >> 8), static_cast<std::uint32_t>(key & 0xff)});
  for (const auto& closed : closed_ranges()) add(closed.range);
  for (auto address : host_) add({address, kAddressBits});
  std::ranges::sort(places);
  places.erase(std::ranges::unique(places).begin(), places.end());
  return places;
}

std::vector<OpenAddresses> AddressTable::open_addresses(const Ports& others) const {
  std::vector<OpenAddresses> all;
  auto places = borders();
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    auto first = static_cast<Ipv4>(places[i]), last = static_cast<Ipv4>(places[i + 1] - 1);
    auto ports = ports_of(first);
    if (!is_closed(first)) ports.add(others);
    if (ports.empty()) continue;
    if (!all.empty() && all.back().last + 1 == first && all.back().ports == ports)
      all.back().last = last;
    else
      all.push_back({first, last, std::move(ports)});
  }
  return all;
}

}  // namespace banger::egress

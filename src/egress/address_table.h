// The addresses that rules allow, with their ports. A lookup costs one hash for each length of a prefix, at most 33,
// however many rules there are. Pure.
//
// An address in a closed range (closed.h) is open only to rules whose whole range is inside that closed range. So
// 0.0.0.0/0 means the internet, not the private networks. An address of this host needs a rule for exactly that
// address.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "egress/ports.h"
#include "net/ipv4.h"

namespace banger::egress {

using net::Ipv4;

/// Addresses from the first to the last, and the ports that are open there.
struct OpenAddresses {
  Ipv4 first = 0, last = 0;
  Ports ports;
  friend bool operator==(const OpenAddresses&, const OpenAddresses&) = default;
};

class AddressTable {
 public:
  void add(const net::Range& range, PortRange ports);
  void set_host_addresses(const std::vector<Ipv4>& addresses) { host_ = {addresses.begin(), addresses.end()}; }

  /// Whether the address is in a closed range or belongs to this host.
  bool is_closed(Ipv4 address) const { return least_prefix(address) != 0; }
  bool is_host(Ipv4 address) const { return host_.contains(address); }
  /// Whether a rule allows the port there. Whatever is open without a rule does not count.
  bool allows(Ipv4 address, std::uint16_t port) const;
  /// The ports that all rules together allow there.
  Ports ports_of(Ipv4 address) const;

  /// All addresses with open ports, sorted and disjoint. `others` are the ports that are open without a rule at all
  /// addresses that are not closed.
  std::vector<OpenAddresses> open_addresses(const Ports& others) const;

 private:
  std::uint32_t least_prefix(Ipv4 address) const;
  template <class Visit>
  void visit(Ipv4 address, Visit visit) const;
  std::vector<std::uint64_t> borders() const;

  std::unordered_map<std::uint64_t, Ports> ranges_;  ///< by the first address and the length of the prefix
  std::uint64_t lengths_ = 0;                        ///< a bit for each length that has a range
  std::unordered_set<Ipv4> host_;
};

}  // namespace banger::egress

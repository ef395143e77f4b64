// What lookups have opened for one VM: addresses, each with the names that lead there, their ports and their ends.
// Pure: time is passed in. Every change is told as elements of a firewall's set (address, ports, end).
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "egress/ports.h"
#include "net/ipv4.h"

namespace banger::egress {

using net::Ipv4;
/// Of a clock that never goes back. Whoever calls decides what its zero is.
using Instant = std::chrono::steady_clock::time_point;

/// One address that one name leads to.
struct Opening {
  Ipv4 address = 0;
  std::string name;  ///< canonical (host.h)
  Ports ports;
  Instant ends;
  friend bool operator==(const Opening&, const Opening&) = default;
};

/// An element of the firewall's set. Elements of one address are disjoint.
struct Element {
  Ipv4 address = 0;
  PortRange ports;
  Instant ends;
  friend auto operator<=>(const Element&, const Element&) = default;
};

/// Belongs into one transaction, removals first. An element with another end is in both lists.
struct Changes {
  std::vector<Element> removed, added;
  bool empty() const { return removed.empty() && added.empty(); }
  friend bool operator==(const Changes&, const Changes&) = default;
};

class Openings {
 public:
  /// `most` pairs of address and name, `most_at_address` names of one address.
  Openings();
  Openings(std::size_t most, std::size_t most_at_address);

  /// Opens all of them, until the next multiple of limits::kOpeningGrain after their ends. An opening that is there
  /// already gets the ports of the new one, and the later end. Expires what has ended. Beyond a limit, the openings
  /// that would end first are closed.
  Changes open(const std::vector<Opening>& openings, Instant now);
  /// Closes what has ended.
  Changes expire(Instant now);
  /// Closes everything whose address or name `keep` does not want any more, and gives the others their new ports. For a
  /// changed policy: `keep` returns the ports, and empty ports close.
  template <class Keep>
  Changes revise(Keep keep, Instant now);
  Changes clear();

  bool is_open(Ipv4 address, std::uint16_t port, Instant now) const;
  /// Whether the address is open on some port.
  bool has(Ipv4 address, Instant now) const;
  /// The names that lead there, sorted.
  std::vector<std::string> names_for(Ipv4 address, Instant now) const;
  /// The first of them, or "".
  std::string name_for(Ipv4 address, Instant now) const;
  /// When something ends next.
  std::optional<Instant> next_end() const;
  /// Pairs of address and name, also those that have ended but were not expired yet.
  std::size_t size() const { return by_end_.size(); }
  /// All elements that the firewall's set must have, sorted: for a set that is made anew.
  std::vector<Element> elements() const;

 private:
  struct Access {
    Ports ports;
    Instant ends;
  };
  using Names = std::map<std::string, Access>;

  void put(const Opening& opening, Instant now);
  void drop(Ipv4 address, const std::string& name);
  void drop_ended(Instant now);
  void drop_beyond_limits(Ipv4 address);
  std::vector<Opening> all() const;
  void note(Ipv4 address);
  Changes settle();

  static std::vector<Element> elements_of(Ipv4 address, const Names& names);

  std::size_t most_, most_at_address_;
  std::map<Ipv4, Names> addresses_;
  std::set<std::tuple<Instant, Ipv4, std::string>> by_end_;
  std::map<Ipv4, std::vector<Element>> before_;  ///< elements of addresses that change during one call
};

template <class Keep>
Changes Openings::revise(Keep keep, Instant now) {
  drop_ended(now);
  for (auto& opening : all()) {
    opening.ports = keep(opening.address, opening.name);
    drop(opening.address, opening.name);
    if (!opening.ports.empty()) put(opening, now);
  }
  return settle();
}

}  // namespace banger::egress

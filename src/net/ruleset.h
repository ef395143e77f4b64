// The firewall of the bridge as commands for nft, in JSON (libnftables-json(5)). Pure: what is applied can be read in
// tests.
//
// Two tables are ours, both called "banger":
//   bridge  what comes out of a tap passes only with the MAC and the IPv4 address that were leased to it, ARP too; all
//           else of it is dropped, IPv6 among it. A tap that no guest was let on passes nothing.
//   ip      guests with nat reach the outside, masqueraded, and this host; those without reach each other only. What
//           the outside begins reaches no guest; what this host begins does.
//
// A packet has to pass the forward chains of all tables, so an accept in ours cannot help against a policy of drop in
// another (Docker's iptables). There, and nowhere else, two rules with our comment are put at the top: plain matches on
// the bridge's name, which iptables-nft also understands. They accept in both directions; what is not to pass is
// dropped in our own chain.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "net/ipv4.h"

namespace banger::net {

/// A guest on its tap.
struct GuestPort {
  std::uint32_t tap = 0;
  Ipv4 address = 0;
  bool nat = false;
};

/// Both tables without guests, or as they are with the guests they have. Repeatable.
Json base_rules(const std::string& bridge);
/// Lets the guest on its tap and sets whether it has nat; after base_rules, in the same transaction.
Json guest_rules(const std::string& bridge, const GuestPort& guest);
/// The opposite; fine for a guest that is not let on.
Json without_guest(const std::string& bridge, const GuestPort& guest);

/// The guests a ruleset has on that tap.
std::vector<GuestPort> guests_on(const Json& ruleset, std::uint32_t tap);

/// A forward chain of others that drops what it does not know.
struct ClosedChain {
  std::string family, table, name;
  bool opened = false;  ///< it has both of our rules
};
/// Those in a ruleset as list_nft() gives it: with a policy of drop, or a last rule that drops or rejects everything.
std::vector<ClosedChain> closed_chains(const Json& ruleset, const std::string& bridge);

/// Our rules for those that lack them; empty when there are none.
Json open_chains(const std::vector<ClosedChain>& chains, const std::string& bridge);
/// Removes both tables and, by their handles in `ruleset`, our rules in others.
Json without_all(const Json& ruleset, const std::string& bridge);

}  // namespace banger::net

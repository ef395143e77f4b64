// The firewall of the bridge as commands for nft, in JSON (libnftables-json(5)). Pure, so tests can read the commands.
//
// Two tables are ours, both named "banger":
//   bridge  A packet from a tap passes only with the MAC and the IPv4 address that were leased to the tap, ARP too. All
//           other packets are dropped, IPv6 among them. A tap without an admitted guest drops everything. What a
//           guest sends or receives beyond its bandwidth is dropped.
//   ip      Guests with nat reach the outside, masqueraded, and this host, except for link-local addresses: only the
//           guests in a set of their own reach those. The guests in another set reach no private ranges outside
//           (kLanRanges, addresses.h). Guests without nat reach only each other. The outside cannot open connections to
//           guests. This host can.
//
// Guests with an egress policy are behind a gate (roles/gate). Their connections and lookups go to its ports. Those to
// other guests do too: the bridge gets their frames. Nothing else passes but TCP packets that acknowledge something, to
// other guests, so that a guest can answer connections that others have opened. Two guests that work together can
// therefore talk, and only one of them needs a way out. Without rules for the ports nothing passes at all.
//
// A packet must pass the forward chains of all tables. An accept in ours does not help against a drop policy in another
// table (Docker's iptables). There, and nowhere else, two rules with our comment are put at the top. They are plain
// matches on the bridge's name, which iptables-nft also understands. They accept in both directions. Our own chain
// drops the packets that must not pass.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "net/gate_ports.h"
#include "net/ipv4.h"

namespace banger::net {

/// Which connections of a guest go to the gate.
enum class Gated {
  none,
  closed,  ///< those to addresses that are closed to the guest
  all,
};

/// A guest and its tap.
struct GuestPort {
  std::uint32_t tap = 0;
  Ipv4 address = 0;
  bool nat = false;
  bool link_local = false;  ///< reaches 169.254.0.0/16 too; only with nat
  Gated gated = Gated::none;
  Ipv4 gate = 0;  ///< the bridge's own address; only of a guest with a gate, as the ports
  GatePorts ports = {};
  std::uint64_t bandwidth = 0;  ///< bytes a second in each direction, and the rest is dropped; 0: no limit
};

/// Makes both tables. Guests that are in them already stay. Repeatable.
Json base_rules(const std::string& bridge);
/// Admits the guest to its tap, and sets what the guest may reach. Belongs after base_rules, in the same transaction.
Json guest_rules(const std::string& bridge, const GuestPort& guest);
/// Closes private ranges outside to that address, or opens them again. By default they are open. The choice stays when
/// the guest is removed.
enum class Lan { open, closed };
Json lan_rules(const std::string& bridge, Ipv4 address, Lan lan);
/// Closes these addresses to all guests, instead of those of an earlier call. For a network apart from that of the
/// host, whose way out leads to the host's other addresses, too.
Json host_rules(const std::string& bridge, const std::vector<Ipv4>& addresses);
/// Removes the guest from its tap. Succeeds when the guest was not admitted.
Json without_guest(const std::string& bridge, const GuestPort& guest);

/// The guests that a ruleset admits to that tap.
std::vector<GuestPort> guests_on(const Json& ruleset, std::uint32_t tap);

/// A forward chain of another program that drops unknown packets.
struct ClosedChain {
  std::string family, table, name;
  bool opened = false;  ///< the chain has both of our rules
};
/// The closed chains in a ruleset of list_nft(): chains with a drop policy, or with a last rule that drops or rejects
/// everything.
std::vector<ClosedChain> closed_chains(const Json& ruleset, const std::string& bridge);

/// Adds our rules to the chains that lack them. Empty when none does.
Json open_chains(const std::vector<ClosedChain>& chains, const std::string& bridge);
/// Removes both tables, and our rules in other tables by their handles in `ruleset`.
Json without_all(const Json& ruleset, const std::string& bridge);

}  // namespace banger::net

// The egress policy of one VM: which names, addresses and ports its guest may reach. A value; pure.
//
//   open          the whole internet; closed ranges (closed.h) and this host's addresses only if a rule names them
//   none          nothing but what the rules name
//   another word  the same as none, with rules that the config keeps under this name
//
// Two rules of thumb follow. A name opens the addresses that its lookup gives, never an address of a closed range. Such
// an address needs a rule of its own, or a hostile DNS server could open the networks around the host.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "egress/address_table.h"
#include "egress/name_table.h"
#include "egress/rule.h"

namespace banger::egress {

class Policy {
 public:
  Policy() = default;  ///< open, without rules

  /// `egress` is "open", "none" or a name `[a-z0-9][a-z0-9-]*` of at most limits::kEgressNameBytes. The rules are texts
  /// of rule.h; one that is there twice is kept once. `invalid` with a way out, `exhausted` for too many rules.
  static Result<Policy> make(std::string_view egress, const std::vector<std::string>& rules);

  bool is_open() const { return egress_ == "open"; }
  const std::string& egress() const { return egress_; }
  const std::vector<Rule>& rules() const { return rules_; }

  /// The addresses of this host at present. They are closed by default. Not part of the value: neither JSON nor ==
  /// know them.
  void set_host_addresses(const std::vector<Ipv4>& addresses) { addresses_.set_host_addresses(addresses); }

  /// The network of the other VMs. Names below `.vm` open its addresses, although they are in a closed range. Not part
  /// of the value either.
  void set_peers(const net::Range& range) { peers_ = range; }
  bool is_peer(Ipv4 address) const { return peers_ && peers_->contains(address) && !is_of_host(address); }

  // Any text is a name here. A text that is no host name (host.h) is never allowed.
  bool allows_name(std::string_view name) const;  ///< on some port
  bool allows(std::string_view name, std::uint16_t port) const;
  Ports ports_of(std::string_view name) const;

  /// Whether the address is open without any lookup: under `open` when it is not closed, else when a rule names it.
  bool allows_address(Ipv4 address, std::uint16_t port) const;
  /// Whether the address is open on some port without any lookup.
  bool names_address(Ipv4 address) const;
  /// Whether only a rule can open the address.
  bool is_closed(Ipv4 address) const { return addresses_.is_closed(address); }
  bool is_of_host(Ipv4 address) const { return addresses_.is_host(address); }
  /// All addresses and ports that allows_address() allows, for a firewall. Sorted and disjoint.
  std::vector<OpenAddresses> open_addresses() const;

  friend bool operator==(const Policy& one, const Policy& other) {
    return one.egress_ == other.egress_ && one.rules_ == other.rules_;
  }

 private:
  void add(Rule rule);

  std::string egress_ = "open";
  std::vector<Rule> rules_;
  NameTable names_;
  AddressTable addresses_;
  std::optional<net::Range> peers_;
};

/// "open", or "none, except example.org:443, 10.0.0.0/8".
std::string to_text(const Policy& policy);

/// `{"egress": "none", "allow": ["example.org:443"]}`. Both keys may be missing when read.
Json to_json(const Policy& policy);
Result<Policy> policy_from_json(const Json& json);

}  // namespace banger::egress

// One rule of a policy: `HOST[:PORT]`. Pure.
//
//   example.org           this name alone
//   *.example.org         all names below it at any depth, not example.org itself
//   93.184.216.34         this address
//   10.1.0.0/16           these addresses
//   HOST:443, HOST:8000-8100
//
// A rule is about TCP. Without a port it means every port. A range must begin at its first address.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "egress/host.h"
#include "egress/ports.h"

namespace banger::egress {

enum class RuleKind { name, below, range };

struct Rule {
  RuleKind kind = RuleKind::name;
  std::string name = {};  ///< canonical; of a rule for names below it, without "*."
  net::Range range = {};
  PortRange ports = kAnyPort;
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// `invalid` with a way out for what is no rule, and for addresses that no packet can go to. `unsupported` for IPv6
/// addresses, in brackets or not, because the network of VMs has only IPv4.
Result<Rule> parse_rule(std::string_view text);

/// The shortest text that parse_rule reads as this rule.
std::string to_text(const Rule& rule);

}  // namespace banger::egress

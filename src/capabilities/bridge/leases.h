// The address of each VM on the bridge, from the VM's first acquire until it is deleted. Pure; the store keeps a copy.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "net/bridge.h"

namespace banger::capabilities {

class Leases {
 public:
  void set(const std::string& vm_id, net::Ipv4 address) { addresses_[vm_id] = address; }
  void forget(std::string_view vm_id);
  std::optional<net::Ipv4> find(std::string_view vm_id) const;
  bool holds(net::Ipv4 address) const;
  /// The VM's address on that bridge: its lease if the range contains it, else the lowest free address. `exhausted`
  /// when there is none. Changes nothing.
  Result<net::Ipv4> choose(std::string_view vm_id, const net::Bridge& bridge) const;

 private:
  std::map<std::string, net::Ipv4, std::less<>> addresses_;  ///< by VM
};

}  // namespace banger::capabilities

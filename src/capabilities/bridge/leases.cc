#include "capabilities/bridge/leases.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace banger::capabilities {

void Leases::forget(std::string_view vm_id) {
  if (auto lease = addresses_.find(vm_id); lease != addresses_.end()) addresses_.erase(lease);
}

std::optional<net::Ipv4> Leases::find(std::string_view vm_id) const {
  auto lease = addresses_.find(vm_id);
  return lease == addresses_.end() ? std::nullopt : std::optional(lease->second);
}

bool Leases::holds(net::Ipv4 address) const {
  return std::ranges::any_of(addresses_, [&](const auto& lease) { return lease.second == address; });
}

Result<net::Ipv4> Leases::choose(std::string_view vm_id, const net::Bridge& bridge) const {
  auto range = bridge.range();
  if (auto lease = find(vm_id); lease && range.contains(*lease) && *lease != bridge.address) return *lease;
  std::vector<net::Ipv4> taken;
  for (const auto& [owner, address] : addresses_) taken.push_back(address);
  if (auto address = net::free_address(range, bridge.address, taken)) return *address;
  return fail(ErrorCode::exhausted, fmt::format("all addresses of {} are leased", range.text()),
              "delete VMs that are not needed, or set a smaller cidr in the config");
}

}  // namespace banger::capabilities

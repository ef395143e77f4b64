#include "net/firewall.h"

#include <nlohmann/json.hpp>

#include "net/nft.h"

namespace banger::net {

Result<> ensure_firewall(const std::string& bridge) {
  TRY(in("firewall", apply_nft(base_rules(bridge))));
  auto commands = open_chains(TRY(find_closed_chains(bridge)), bridge);
  return commands.is_null() ? Result<>() : in("firewall", apply_nft(commands));
}

Result<> remove_firewall(const std::string& bridge) {
  return in("firewall", apply_nft(without_all(TRY(in("firewall", list_nft())), bridge)));
}

Result<> admit_guest(const std::string& bridge, const GuestPort& guest) {
  return in("firewall", apply_nft(guest_rules(bridge, guest)));
}

Result<> set_lan(const std::string& bridge, Ipv4 address, Lan lan) {
  return in("firewall", apply_nft(lan_rules(bridge, address, lan)));
}

Result<> close_host(const std::string& bridge, const std::vector<Ipv4>& addresses) {
  return in("firewall", apply_nft(host_rules(bridge, addresses)));
}

Result<> remove_guest(const std::string& bridge, const GuestPort& guest) {
  return in("firewall", apply_nft(without_guest(bridge, guest)));
}

Result<> clear_tap(const std::string& bridge, std::uint32_t tap) {
  for (const auto& guest : guests_on(TRY(in("firewall", list_nft())), tap)) TRY(remove_guest(bridge, guest));
  return {};
}

Result<std::vector<ClosedChain>> find_closed_chains(const std::string& bridge) {
  return closed_chains(TRY(in("firewall", list_nft())), bridge);
}

}  // namespace banger::net

// Checks for `banger doctor`: what bridge networking needs of this host, and what can prevent it from working.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "capabilities/bridge/network.h"
#include "host/files.h"
#include "net/firewall.h"
#include "net/links.h"
#include "net/nft.h"
#include "net/routes.h"

namespace banger::capabilities {

namespace {

Check nftables() {
  auto nft = net::find_nft();
  if (nft) return {"nftables", CheckStatus::pass, *nft, ""};
  return {"nftables", CheckStatus::fail, nft.error().message, nft.error().hint};
}

bool has_docker(net::Netlink& netlink) {
  auto link = net::find_link(netlink, "docker0");
  return link && *link;
}

Result<Check> range(const net::Bridge& bridge) {
  auto netlink = TRY(net::Netlink::open());
  TRY(net::check_clash(bridge.range(), TRY(net::host_routes(netlink)), bridge.name));
  auto text = bridge.range().text();
  if (net::docker_may_use(bridge.range()) && has_docker(netlink))
    return Check{"bridge range", CheckStatus::warn,
                 fmt::format("{} is free, but Docker may take it for one of its networks", text),
                 "set bridge_ip to an address in 172.16.0.0/16, or change Docker's default-address-pools"};
  return Check{"bridge range", CheckStatus::pass, fmt::format("{} is used by nothing else", text), ""};
}

// The rules of iptables-legacy are not in nft's list, so their policy is unknown.
bool has_legacy_filter() {
  auto names = host::read_file("/proc/net/ip_tables_names", 4096).value_or("");
  return names.find("filter") != names.npos;
}

void add(std::vector<Check>& to, const char* name, Result<Check> check) {
  if (check)
    to.push_back(std::move(*check));
  else
    to.push_back({name, CheckStatus::fail, check.error().message, check.error().hint});
}

}  // namespace

Result<Check> BridgeNetwork::check_state(const net::Bridge& bridge) const {
  auto netlink = TRY(net::Netlink::open());
  auto link = TRY(net::find_link(netlink, bridge.name));
  if (trouble_)
    return Check{"bridge", config_.network == vm::NetworkChoice::automatic ? CheckStatus::warn : CheckStatus::fail,
                 trouble_->message, trouble_->hint};
  if (!link)
    return Check{"bridge", CheckStatus::pass, fmt::format("{} is made when the first VM needs it", bridge.name), ""};
  if (!link->ours())
    return Check{"bridge", CheckStatus::fail, fmt::format("a link {} exists that banger did not make", bridge.name),
                 "set another bridge_name"};
  return Check{"bridge", CheckStatus::pass,
               fmt::format("{} with {} VMs and {} idle taps", bridge.name, attached_.size(), idle_.size()), ""};
}

Task<Result<Check>> BridgeNetwork::check_forwarding(net::Bridge bridge) {
  if (has_legacy_filter())
    co_return Check{
        "forward policy", CheckStatus::warn,
        "iptables-legacy has rules that banger cannot read. If its FORWARD policy is DROP, guests reach no outside "
        "network",
        fmt::format("iptables-legacy -I FORWARD -i {0} -j ACCEPT; iptables-legacy -I FORWARD -o {0} -j ACCEPT",
                    bridge.name)};
  if (::geteuid() != 0)
    co_return Check{"forward policy", CheckStatus::pass, "the root helper allows the bridge where needed", ""};
  auto chains = CO_TRY(co_await runtime_.blocking([name = bridge.name] { return net::find_closed_chains(name); }));
  if (chains.empty()) co_return Check{"forward policy", CheckStatus::pass, "no table drops forwarded packets", ""};
  std::vector<std::string> names;
  for (const auto& chain : chains) names.push_back(fmt::format("{} {} {}", chain.family, chain.table, chain.name));
  co_return Check{
      "forward policy", CheckStatus::pass,
      fmt::format(
          "{} drops unknown packets (Docker does that). banger adds a rule for the bridge while the bridge exists",
          join(names, ", ")),
      ""};
}

Task<std::vector<Check>> BridgeNetwork::checks() {
  std::vector<Check> checks;
  bool asked = config_.network == vm::NetworkChoice::bridge;
  if (!privileged_.available()) {
    checks.push_back({"bridge", asked ? CheckStatus::fail : CheckStatus::pass,
                      "not available without root or the root helper. VMs use user-mode networking",
                      asked ? "set network = \"user\" in the config" : "as root: banger system install --owner USER"});
    co_return checks;
  }
  auto bridge = wanted();
  if (!bridge) {
    checks.push_back({"bridge", CheckStatus::fail, bridge.error().message, bridge.error().hint});
    co_return checks;
  }
  auto nft = nftables();
  bool listable = nft.status == CheckStatus::pass;
  // A user who stays with user-mode networking does not need nft.
  if (!listable && !asked) nft.status = CheckStatus::warn;
  checks.push_back(std::move(nft));
  add(checks, "bridge range", range(*bridge));
  add(checks, "bridge", check_state(*bridge));
  if (listable) add(checks, "forward policy", co_await check_forwarding(*bridge));
  co_return checks;
}

}  // namespace banger::capabilities

#include "capabilities/bridge/checks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
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

Result<Check> state(const BridgeDevice& device, const net::Bridge& bridge, vm::NetworkChoice asked, BridgeUse use) {
  auto netlink = TRY(net::Netlink::open());
  auto link = TRY(net::find_link(netlink, bridge.name));
  if (device.trouble())
    return Check{"bridge", asked == vm::NetworkChoice::automatic ? CheckStatus::warn : CheckStatus::fail,
                 device.trouble()->message, device.trouble()->hint};
  if (!link)
    return Check{"bridge", CheckStatus::pass, fmt::format("{} is made when the first VM needs it", bridge.name), ""};
  if (!link->ours())
    return Check{"bridge", CheckStatus::fail, fmt::format("a link {} exists that banger did not make", bridge.name),
                 "set another bridge_name"};
  return Check{"bridge", CheckStatus::pass,
               fmt::format("{} with {} VMs and {} idle taps", bridge.name, use.vms, use.idle_taps), ""};
}

Task<Result<Check>> forwarding(host::Runtime& runtime, net::Bridge bridge) {
  if (has_legacy_filter())
    co_return Check{
        "forward policy", CheckStatus::warn,
        "iptables-legacy has rules that banger cannot read. If its FORWARD policy is DROP, guests reach no outside "
        "network",
        fmt::format("iptables-legacy -I FORWARD -i {0} -j ACCEPT; iptables-legacy -I FORWARD -o {0} -j ACCEPT",
                    bridge.name)};
  if (::geteuid() != 0)
    co_return Check{"forward policy", CheckStatus::pass, "the root helper allows the bridge where needed", ""};
  auto chains = CO_TRY(co_await runtime.blocking([name = bridge.name] { return net::find_closed_chains(name); }));
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

// A network that cannot be made is a failure only for a user who asked for a bridge.
Check private_network(const ResourceHost& host, const BridgeDevice& device, BridgeUse use) {
  bool asked = host.config.network == vm::NetworkChoice::bridge;
  auto bad = asked ? CheckStatus::fail : CheckStatus::warn;
  auto why = device.trouble() ? device.trouble() : host.privileged.missing();
  if (why)
    return {"private network", bad,
            fmt::format("{}. VMs use user-mode networking, in which guests reach services on this host's loopback",
                        why->message),
            why->hint};
  if (!host.privileged.network())
    return {"private network", CheckStatus::pass, "it is made, without root, when the first VM needs it", ""};
  return {"private network", CheckStatus::pass,
          fmt::format("{} with {} VMs and {} idle taps, apart from this host's network", host.config.bridge_name,
                      use.vms, use.idle_taps),
          ""};
}

}  // namespace

Task<std::vector<Check>> check_bridge_host(const ResourceHost& host, const BridgeDevice& device, BridgeUse use) {
  std::vector<Check> checks;
  bool asked = host.config.network == vm::NetworkChoice::bridge;
  if (host.privileged.is_private() || host.privileged.missing()) {
    checks.push_back(private_network(host, device, use));
    co_return checks;
  }
  if (!host.privileged.available()) {
    checks.push_back({"bridge", asked ? CheckStatus::fail : CheckStatus::pass,
                      "not available without root or the root helper. VMs use user-mode networking",
                      asked ? "set network = \"user\" in the config" : "as root: banger system install --owner USER"});
    co_return checks;
  }
  auto bridge = device.configured();
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
  add(checks, "bridge", state(device, *bridge, host.config.network, use));
  if (listable) add(checks, "forward policy", co_await forwarding(host.runtime, *bridge));
  co_return checks;
}

}  // namespace banger::capabilities

// What bridge networking needs of this host, and what may stand in its way.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "engine/health/doctor.h"
#include "host/files.h"
#include "net/firewall.h"
#include "net/links.h"
#include "net/nft.h"
#include "net/routes.h"

namespace banger::engine {

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
  if (net::docker_may_take(bridge.range()) && has_docker(netlink))
    return Check{"bridge range", CheckStatus::warn,
                 fmt::format("{} is free, but Docker may take it for one of its networks", text),
                 "set bridge_ip to something in 172.16.0.0/16, or Docker's default-address-pools"};
  return Check{"bridge range", CheckStatus::pass, fmt::format("{} is used by nothing else", text), ""};
}

Result<Check> state(const Services& services, const net::Bridge& bridge) {
  auto netlink = TRY(net::Netlink::open());
  auto link = TRY(net::find_link(netlink, bridge.name));
  if (const auto& trouble = services.bridge.trouble())
    return Check{"bridge",
                 services.config.network == vm::NetworkChoice::automatic ? CheckStatus::warn : CheckStatus::fail,
                 trouble->message, trouble->hint};
  if (!link)
    return Check{"bridge", CheckStatus::pass, fmt::format("{} is made when the first VM needs it", bridge.name), ""};
  if (!link->ours())
    return Check{"bridge", CheckStatus::fail, fmt::format("there is a link {} that banger has not made", bridge.name),
                 "set another bridge_name"};
  return Check{
      "bridge", CheckStatus::pass,
      fmt::format("{} with {} VMs and {} idle taps", bridge.name, services.bridge.in_use(), services.bridge.idle()),
      ""};
}

// What iptables-legacy has is not in nft's list, so nothing is known of its policy.
bool has_legacy_filter() {
  auto names = host::read_file("/proc/net/ip_tables_names", 4096).value_or("");
  return names.find("filter") != names.npos;
}

Task<Result<Check>> forwarding(Services& services, net::Bridge bridge) {
  if (has_legacy_filter())
    co_return Check{
        "forward policy", CheckStatus::warn,
        "iptables-legacy has rules, which cannot be looked at; if its FORWARD policy is DROP, guests reach no outside",
        fmt::format("iptables-legacy -I FORWARD -i {0} -j ACCEPT; iptables-legacy -I FORWARD -o {0} -j ACCEPT",
                    bridge.name)};
  if (::geteuid() != 0) co_return Check{"forward policy", CheckStatus::pass, "looked after by the root helper", ""};
  auto chains =
      CO_TRY(co_await services.runtime.blocking([name = bridge.name] { return net::find_closed_chains(name); }));
  if (chains.empty()) co_return Check{"forward policy", CheckStatus::pass, "no table drops forwarded packets", ""};
  std::vector<std::string> names;
  for (const auto& chain : chains) names.push_back(fmt::format("{} {} {}", chain.family, chain.table, chain.name));
  co_return Check{
      "forward policy", CheckStatus::pass,
      fmt::format(
          "{} drops what it does not know (Docker does that); it gets a rule for the bridge while that is there",
          join(names, ", ")),
      ""};
}

void add(std::vector<Check>& to, const char* name, Result<Check> check) {
  if (check)
    to.push_back(std::move(*check));
  else
    to.push_back({name, CheckStatus::fail, check.error().message, check.error().hint});
}

}  // namespace

Task<> check_bridge(Services& services, std::vector<Check>& checks) {
  if (!services.privileged.available()) {
    bool asked = services.config.network == vm::NetworkChoice::bridge;
    checks.push_back({"bridge", asked ? CheckStatus::fail : CheckStatus::pass,
                      "not available without root or the root helper; VMs have user-mode networking",
                      asked ? "set network = \"user\" in the config" : ""});
    co_return;
  }
  auto bridge = services.bridge.wanted();
  if (!bridge) {
    checks.push_back({"bridge", CheckStatus::fail, bridge.error().message, bridge.error().hint});
    co_return;
  }
  auto nft = nftables();
  bool listable = nft.status == CheckStatus::pass;
  // Nobody who stays with user-mode networking has to install it.
  if (!listable && services.config.network != vm::NetworkChoice::bridge) nft.status = CheckStatus::warn;
  checks.push_back(std::move(nft));
  add(checks, "bridge range", range(*bridge));
  add(checks, "bridge", state(services, *bridge));
  if (listable) add(checks, "forward policy", co_await forwarding(services, *bridge));
}

}  // namespace banger::engine

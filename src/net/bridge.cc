#include "net/bridge.h"

#include <fcntl.h>

#include <algorithm>

#include "base/text.h"
#include "host/files.h"
#include "net/addresses.h"
#include "net/links.h"
#include "net/nl.h"
#include "net/routes.h"

namespace banger::net {

namespace {

constexpr const char* kForwarding = "/proc/sys/net/ipv4/ip_forward";
constexpr std::size_t kLinkNameBytes = 15;  // IFNAMSIZ with its zero byte
constexpr std::string_view kForwardingWasOff = "banger ip_forward=0";

Result<bool> forwards() { return trim(TRY(host::read_file(kForwarding, 16))) != "0"; }

Result<> set_forwarding(bool on) {
  auto setting = TRY(host::open_file(kForwarding, O_WRONLY));
  return in("turn IPv4 forwarding " + std::string(on ? "on" : "off"), host::write_all(setting.get(), on ? "1" : "0"));
}

// The MAC is set with the link, the alias only afterwards. After a crash in between, the MAC identifies the bridge.
bool is_ours(const LinkInfo& link, const Bridge& bridge) {
  return link.kind == "bridge" && (link.ours() || (link.alias.empty() && link.mac == bridge_mac(bridge.address)));
}

Result<LinkInfo> make_link(Netlink& netlink, const Bridge& bridge) {
  Link link(rtnl_link_alloc());
  rtnl_link_set_name(link.get(), bridge.name.c_str());
  rtnl_link_set_type(link.get(), "bridge");
  auto mac = TRY(parse_mac(bridge_mac(bridge.address)));
  rtnl_link_set_addr(link.get(), mac.get());
  int error = rtnl_link_add(netlink.socket(), link.get(), NLM_F_CREATE | NLM_F_EXCL);
  if (error == -NLE_OPNOTSUPP)
    return fail(ErrorCode::unsupported, "the kernel has no bridges",
                "modprobe bridge; or use user-mode networking: --network user");
  if (error < 0) return fail_netlink("make it", error);
  auto made = TRY(find_link(netlink, bridge.name));
  if (!made) return fail(ErrorCode::unavailable, "another program removed it at once");
  return *made;
}

Result<> set_alias(Netlink& netlink, int index, const std::string& alias) {
  return netlink.change(index, "mark it", [&](rtnl_link* link) { rtnl_link_set_ifalias(link, alias.c_str()); });
}

Result<> ensure(const Bridge& bridge) {
  auto netlink = TRY(Netlink::open());
  auto link = TRY(find_link(netlink, bridge.name));
  if (link && !is_ours(*link, bridge))
    return fail(ErrorCode::exists, "a link of that name exists, and banger did not make it",
                "choose another bridge_name, or remove that link");
  TRY(check_clash(bridge.range(), TRY(host_routes(netlink)), bridge.name));
  if (!link) link = TRY(make_link(netlink, bridge));
  bool turn_on = !TRY(forwards());
  if (turn_on)
    TRY(set_alias(netlink, link->index, std::string(kForwardingWasOff)));
  else if (!link->ours())
    TRY(set_alias(netlink, link->index, std::string(kAlias)));
  TRY(netlink.set_mtu(link->index, bridge.mtu));
  TRY(disable_ipv6(bridge.name));
  TRY(netlink.set_address(link->index, fmt::format("{}/{}", to_text(bridge.address), bridge.prefix)));
  TRY(netlink.set_up(link->index));
  return turn_on ? set_forwarding(true) : Result<>();
}

Result<> remove(const Bridge& bridge) {
  auto netlink = TRY(Netlink::open());
  auto links = TRY(list_links(netlink));
  auto link = std::find_if(links.begin(), links.end(), [&](const LinkInfo& each) { return each.name == bridge.name; });
  if (link == links.end() || !is_ours(*link, bridge)) return {};
  if (std::any_of(links.begin(), links.end(), [&](const LinkInfo& each) { return each.master == link->index; }))
    return fail(ErrorCode::busy, "it still has ports");
  bool alone = std::none_of(links.begin(), links.end(),
                            [&](const LinkInfo& each) { return each.kind == "bridge" && each.index != link->index; });
  if (link->alias == kForwardingWasOff && alone) TRY(set_forwarding(false));
  Link gone(rtnl_link_alloc());
  rtnl_link_set_ifindex(gone.get(), link->index);
  int error = rtnl_link_delete(netlink.socket(), gone.get());
  return error < 0 && error != -NLE_NODEV && error != -NLE_OBJ_NOTFOUND ? Result<>(fail_netlink("remove it", error))
                                                                        : Result<>();
}

}  // namespace

Result<> check_bridge(const Bridge& bridge) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (bridge.name.empty() || bridge.name.size() > kLinkNameBytes ||
      !std::all_of(bridge.name.begin(), bridge.name.end(), good) || bridge.name.starts_with(kTapPrefix) ||
      bridge.name.starts_with('-') || bridge.name == "all" || bridge.name == "default")
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot name the bridge", printable(bridge.name, 40)),
                fmt::format("use at most {} letters, digits, '-' and '_', not beginning with '{}'", kLinkNameBytes,
                            kTapPrefix));
  if (bridge.prefix < 8 || bridge.prefix > 30)
    return fail(ErrorCode::invalid, fmt::format("the prefix of a bridge network cannot have {} bits", bridge.prefix),
                "use a prefix of 8 to 30 bits");
  auto range = bridge.range();
  if (!is_private(range))
    return fail(ErrorCode::invalid,
                fmt::format("{} is not a private range, and would hide hosts of the internet", range.text()),
                "use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
  if (bridge.address == range.first || bridge.address == range.last())
    return fail(ErrorCode::invalid,
                fmt::format("{} is not an address of a host in {}", to_text(bridge.address), range.text()));
  return {};
}

Result<> ensure_bridge(const Bridge& bridge) {
  TRY(check_bridge(bridge));
  return in(fmt::format("bridge {}", bridge.name), ensure(bridge));
}

Result<> remove_bridge(const Bridge& bridge) { return in(fmt::format("bridge {}", bridge.name), remove(bridge)); }

}  // namespace banger::net

#include "net/netlink.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "net/bounds.h"
#include "net/nl.h"

namespace banger::net {

namespace {

constexpr std::uint8_t kUnreachableProtocol = 98;  // not in the kernel's or in iproute2's list (rtnetlink(7))
constexpr int kLoopbackIndex = 1;  // the kernel makes the loopback link first in every network namespace

Result<Address> parse_address(const std::string& text, int family = AF_INET) {
  nl_addr* address = nullptr;
  if (int error = nl_addr_parse(text.c_str(), family, &address); error < 0)
    return fail(ErrorCode::invalid,
                fmt::format("'{}' is not an {} address", text, family == AF_INET ? "IPv4" : "IPv6"));
  return Address(address);
}

bool is_virtio(const std::string& sys_class_net, const std::string& link) {
  std::error_code error;
  auto driver = std::filesystem::read_symlink(fmt::format("{}/{}/device/driver", sys_class_net, link), error);
  return !error && driver.filename() == "virtio_net";
}

Result<> remove_routes(nl_sock* socket, std::string_view what, const std::function<bool(rtnl_route*)>& matches) {
  nl_cache* found = nullptr;
  if (int error = rtnl_route_alloc_cache(socket, AF_INET, 0, &found); error < 0)
    return fail_netlink("list routes", error);
  Cache routes(found);
  for (nl_object* object = nl_cache_get_first(routes.get()); object; object = nl_cache_get_next(object)) {
    auto* route = reinterpret_cast<rtnl_route*>(object);
    if (!matches(route)) continue;
    if (int error = rtnl_route_delete(socket, route, 0); error < 0)
      return fail_netlink(fmt::format("remove {}", what), error);
  }
  return {};
}

}  // namespace

void Netlink::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Result<Netlink> Netlink::open(std::string sys_class_net) {
  nl_sock* socket = nl_socket_alloc();
  if (!socket) return fail(ErrorCode::exhausted, "no memory for a netlink socket");
  Netlink netlink(socket, std::move(sys_class_net));
  if (int error = nl_connect(socket, NETLINK_ROUTE); error < 0) return fail_netlink("connect to rtnetlink", error);
  return netlink;
}

Result<int> Netlink::find_link(const LinkSettings& settings) {
  nl_cache* found = nullptr;
  if (int error = rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &found); error < 0)
    return fail_netlink("list links", error);
  Cache links(found);
  std::string there;
  std::vector<int> by_position;
  for (nl_object* object = nl_cache_get_first(links.get()); object; object = nl_cache_get_next(object)) {
    auto* link = reinterpret_cast<rtnl_link*>(object);
    char text[64] = "";
    if (nl_addr* address = rtnl_link_get_addr(link)) nl_addr2str(address, text, sizeof text);
    if (text == settings.mac) return rtnl_link_get_ifindex(link);
    std::string name = rtnl_link_get_name(link) ? rtnl_link_get_name(link) : "?";
    there += fmt::format("{}{} ({})", there.empty() ? "" : ", ", name, text);
    if (is_virtio(sys_class_net_, name)) by_position.push_back(rtnl_link_get_ifindex(link));
  }
  if (settings.index >= by_position.size())
    return fail(ErrorCode::not_found, fmt::format("no network device has the address {}; there is {}", settings.mac,
                                                  there.empty() ? "none" : there));
  std::sort(by_position.begin(), by_position.end());
  TRY(set_mac(by_position[settings.index], settings.mac));
  return by_position[settings.index];
}

Result<> Netlink::set_mac(int index, const std::string& mac) {
  auto address = TRY(parse_mac(mac));
  auto set = [&] {
    return change(index, fmt::format("give the link the address {}", mac),
                  [&](rtnl_link* link) { rtnl_link_set_addr(link, address.get()); });
  };
  // virtio links change their MAC while they are up, which costs a clone far less than going down and up again. Other
  // links do not.
  auto live = set();
  if (live) return renew_link_local(index, static_cast<const unsigned char*>(nl_addr_get_binary_addr(address.get())));
  if (live.error().code != ErrorCode::busy) return live;
  TRY(change(index, "take the link down", [](rtnl_link* link) { rtnl_link_unset_flags(link, IFF_UP); }));
  return set();
}

Result<> Netlink::renew_link_local(int index, const unsigned char* mac) {
  auto addresses = TRY(list_addresses(socket_.get()));
  bool there = false;
  for (nl_object* object = nl_cache_get_first(addresses.get()); object; object = nl_cache_get_next(object)) {
    auto* address = reinterpret_cast<rtnl_addr*>(object);
    if (rtnl_addr_get_ifindex(address) != index || rtnl_addr_get_family(address) != AF_INET6 ||
        rtnl_addr_get_scope(address) != RT_SCOPE_LINK)
      continue;
    there = true;
    if (int error = rtnl_addr_delete(socket_.get(), address, 0); error < 0)
      return fail_netlink("remove the old link-local address", error);
  }
  // A link without a link-local address is down, or its IPv6 is off.
  if (!there) return {};
  // The address of RFC 4291, appendix A, as the kernel makes it when a link comes up.
  auto text = fmt::format("fe80::{:02x}{:02x}:{:02x}ff:fe{:02x}:{:02x}{:02x}/64", mac[0] ^ 2, mac[1], mac[2], mac[3],
                          mac[4], mac[5]);
  return add_address(index, TRY(parse_address(text, AF_INET6)).get(), text);
}

Result<> Netlink::renew_link_local(const std::string& mac) {
  auto address = TRY(parse_mac(mac));
  // No position: find only a link that has the MAC already.
  int index = TRY(find_link({.mac = mac, .index = UINT32_MAX}));
  return renew_link_local(index, static_cast<const unsigned char*>(nl_addr_get_binary_addr(address.get())));
}

Result<> Netlink::set_up(int index) {
  return change(index, "bring the link up", [](rtnl_link* link) { rtnl_link_set_flags(link, IFF_UP); });
}

Result<> Netlink::set_mtu(int index, std::uint32_t mtu) {
  auto wanted = mtu ? mtu : limits::kEthernetMtu;
  return change(index, "set its MTU", [&](rtnl_link* link) { rtnl_link_set_mtu(link, wanted); });
}

Result<> Netlink::change(int index, std::string_view what, const std::function<void(rtnl_link*)>& edit) {
  Link now(rtnl_link_alloc()), wanted(rtnl_link_alloc());
  rtnl_link_set_ifindex(now.get(), index);
  edit(wanted.get());
  if (int error = rtnl_link_change(socket_.get(), now.get(), wanted.get(), 0); error < 0)
    return fail_netlink(what, error);
  return {};
}

Result<> Netlink::set_address(int index, const std::string& cidr) {
  auto wanted = TRY(parse_address(cidr));
  auto addresses = TRY(list_addresses(socket_.get()));
  bool there = false;
  for (nl_object* object = nl_cache_get_first(addresses.get()); object; object = nl_cache_get_next(object)) {
    auto* address = reinterpret_cast<rtnl_addr*>(object);
    if (rtnl_addr_get_ifindex(address) != index || rtnl_addr_get_family(address) != AF_INET) continue;
    nl_addr* local = rtnl_addr_get_local(address);
    if (local && nl_addr_cmp(local, wanted.get()) == 0 &&
        nl_addr_get_prefixlen(local) == nl_addr_get_prefixlen(wanted.get())) {
      there = true;
    } else if (int error = rtnl_addr_delete(socket_.get(), address, 0); error < 0) {
      return fail_netlink("remove an old address", error);
    }
  }
  return there ? Result<>() : add_address(index, wanted.get(), cidr);
}

Result<> Netlink::add_address(int index, nl_addr* address, const std::string& text) {
  LinkAddress added(rtnl_addr_alloc());
  rtnl_addr_set_ifindex(added.get(), index);
  if (int error = rtnl_addr_set_local(added.get(), address); error < 0) return fail_netlink(text, error);
  if (int error = rtnl_addr_add(socket_.get(), added.get(), 0); error < 0 && error != -NLE_EXIST)
    return fail_netlink(fmt::format("add the address {}", text), error);
  return {};
}

Result<> Netlink::set_default_route(int index, const std::string& gateway) {
  auto via = TRY(parse_address(gateway));
  auto everywhere = TRY(parse_address("0.0.0.0/0"));
  Route route(rtnl_route_alloc());
  rtnl_route_set_family(route.get(), AF_INET);
  rtnl_route_set_scope(route.get(), RT_SCOPE_UNIVERSE);
  rtnl_route_set_table(route.get(), RT_TABLE_MAIN);
  rtnl_route_set_protocol(route.get(), RTPROT_STATIC);
  if (int error = rtnl_route_set_dst(route.get(), everywhere.get()); error < 0)
    return fail_netlink("default route", error);
  // The route takes ownership of the next hop.
  rtnl_nexthop* hop = rtnl_route_nh_alloc();
  rtnl_route_nh_set_ifindex(hop, index);
  rtnl_route_nh_set_gateway(hop, via.get());
  rtnl_route_add_nexthop(route.get(), hop);
  if (int error = rtnl_route_add(socket_.get(), route.get(), NLM_F_CREATE | NLM_F_REPLACE);
      error < 0 && error != -NLE_EXIST)
    return fail_netlink(fmt::format("set the default route through {}", gateway), error);
  return {};
}

Result<> Netlink::remove_default_routes(int index) {
  return remove_routes(socket_.get(), "an old default route", [index](rtnl_route* route) {
    nl_addr* to = rtnl_route_get_dst(route);
    rtnl_nexthop* hop = rtnl_route_nexthop_n(route, 0);
    return rtnl_route_get_table(route) == RT_TABLE_MAIN && to && nl_addr_get_prefixlen(to) == 0 && hop &&
           rtnl_route_nh_get_ifindex(hop) == index;
  });
}

// Our routes have a protocol number of their own, so that another program's stay.
Result<> Netlink::set_unreachable(const std::vector<std::string>& networks) {
  TRY(remove_routes(socket_.get(), "an old unreachable route", [](rtnl_route* route) {
    return rtnl_route_get_type(route) == RTN_UNREACHABLE && rtnl_route_get_protocol(route) == kUnreachableProtocol;
  }));
  for (const auto& network : networks) {
    auto address = TRY(parse_address(network));
    Route route(rtnl_route_alloc());
    rtnl_route_set_family(route.get(), AF_INET);
    rtnl_route_set_type(route.get(), RTN_UNREACHABLE);
    rtnl_route_set_scope(route.get(), RT_SCOPE_UNIVERSE);
    rtnl_route_set_table(route.get(), RT_TABLE_MAIN);
    rtnl_route_set_protocol(route.get(), kUnreachableProtocol);
    if (int error = rtnl_route_set_dst(route.get(), address.get()); error < 0) return fail_netlink(network, error);
    if (int error = rtnl_route_add(socket_.get(), route.get(), NLM_F_CREATE | NLM_F_REPLACE);
        error < 0 && error != -NLE_EXIST)
      return fail_netlink(fmt::format("make {} unreachable", network), error);
  }
  return {};
}

Result<> Netlink::loopback_up() { return in("loopback", set_up(kLoopbackIndex)); }

Result<> Netlink::configure(const LinkSettings& settings) {
  int index = TRY(find_link(settings));
  if (settings.address.empty()) return {};
  TRY(set_mtu(index, settings.mtu));
  TRY(set_address(index, settings.address));
  TRY(set_up(index));
  TRY(settings.gateway.empty() ? remove_default_routes(index) : set_default_route(index, settings.gateway));
  return set_unreachable(settings.unreachable);
}

}  // namespace banger::net

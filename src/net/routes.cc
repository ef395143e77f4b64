#include "net/routes.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "net/bounds.h"
#include "net/nl.h"

namespace banger::net {

namespace {

constexpr std::uint32_t kAlmostDefault = 8;
constexpr Range kLoopback{0x7f000000, 8};

std::optional<HostRoute> host_route(rtnl_route* route) {
  auto type = rtnl_route_get_type(route);
  nl_addr* to = rtnl_route_get_dst(route);
  if (type == RTN_BROADCAST || type == RTN_MULTICAST || !to || nl_addr_get_prefixlen(to) < kAlmostDefault ||
      nl_addr_get_len(to) != sizeof(in_addr))
    return std::nullopt;
  in_addr address{};
  std::memcpy(&address, nl_addr_get_binary_addr(to), sizeof address);
  HostRoute found{Range::around(ntohl(address.s_addr), nl_addr_get_prefixlen(to)), ""};
  if (found.to.overlaps(kLoopback)) return std::nullopt;
  char name[IF_NAMESIZE] = "";
  rtnl_nexthop* hop = rtnl_route_nexthop_n(route, 0);
  if (hop && ::if_indextoname(static_cast<unsigned>(rtnl_route_nh_get_ifindex(hop)), name)) found.device = name;
  return found;
}

bool is_free(const Range& range, std::span<const HostRoute> routes) {
  return std::none_of(routes.begin(), routes.end(), [&](const HostRoute& route) { return route.to.overlaps(range); });
}

// Names of Docker's bridges: docker0, docker_gwbridge, and br- with the first 12 digits of a network's id.
bool is_docker(const std::string& device) {
  constexpr std::string_view kPrefix = "br-";
  auto digits = device.starts_with(kPrefix) ? device.substr(kPrefix.size()) : "";
  return device == "docker0" || device == "docker_gwbridge" ||
         (digits.size() == 12 && digits.find_first_not_of("0123456789abcdef") == digits.npos);
}

}  // namespace

Result<std::vector<HostRoute>> host_routes(Netlink& netlink) {
  nl_cache* found = nullptr;
  if (int error = rtnl_route_alloc_cache(netlink.socket(), AF_INET, 0, &found); error < 0)
    return fail_netlink("list routes", error);
  Cache cache(found);
  std::vector<HostRoute> routes;
  for (nl_object* object = nl_cache_get_first(cache.get()); object; object = nl_cache_get_next(object))
    if (auto route = host_route(reinterpret_cast<rtnl_route*>(object))) routes.push_back(std::move(*route));
  return routes;
}

std::string describe_device(const std::string& device) {
  if (device.empty()) return "no device";
  return is_docker(device) ? device + " (Docker)" : device;
}

Result<> check_clash(const Range& wanted, std::span<const HostRoute> routes, const std::string& own_device) {
  for (const auto& route : routes) {
    if (route.device == own_device || !route.to.overlaps(wanted)) continue;
    auto other = suggest_range(wanted.prefix, routes);
    return fail(ErrorCode::exists,
                fmt::format("the network {} is in use: this host has a route to {} through {}", wanted.text(),
                            route.to.text(), describe_device(route.device)),
                other ? fmt::format("set bridge_ip = \"{}\" in the config", to_text(other->first + 1))
                      : "free a private range, or set another bridge_ip and cidr");
  }
  return {};
}

std::optional<Range> suggest_range(std::uint32_t prefix, std::span<const HostRoute> routes) {
  constexpr Range kPlaces[] = {{0xac100000, 16}, {0x0a400000, 10}, {0x0a000000, 8}, {0xc0a80000, 16}};
  for (const auto& place : kPlaces) {
    std::uint64_t step = std::uint64_t{1} << (32 - prefix), at = place.first;
    for (int i = 0; i < limits::kRangeAttempts && prefix >= place.prefix && at + step - 1 <= place.last();
         ++i, at += step)
      if (Range range{static_cast<Ipv4>(at), prefix}; is_free(range, routes)) return range;
  }
  return std::nullopt;
}

bool docker_may_use(const Range& range) {
  // 172.17.0.0/16 to 172.31.0.0/16, then /20s of 192.168.0.0/16 (libnetwork's default address pools).
  constexpr Ipv4 kFirst = 0xac110000, kLast = 0xac1fffff;
  return (range.first <= kLast && range.last() >= kFirst) || range.overlaps({0xc0a80000, 16});
}

}  // namespace banger::net

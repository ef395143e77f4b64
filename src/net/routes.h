// Where the host already sends IPv4, and whether the range of the bridge is free.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "net/ipv4.h"
#include "net/netlink.h"

namespace banger::net {

struct HostRoute {
  Range to;
  std::string device;  ///< empty: none, e.g. a blackhole
};

/// All tables. Without default routes and what VPNs use instead of them (prefixes below 8), loopback and broadcast.
Result<std::vector<HostRoute>> host_routes(Netlink& netlink);

/// "docker0 (Docker)" for a link whose name Docker gives.
std::string describe_device(const std::string& device);

/// `exists`, naming the route and its device, when one leads into `wanted` by another device than `own_device`; the
/// hint is a range that is free.
Result<> check_clash(const Range& wanted, std::span<const HostRoute> routes, const std::string& own_device);

/// A private range of that size into which no route leads, far from where Docker takes its own.
std::optional<Range> suggest_range(std::uint32_t prefix, std::span<const HostRoute> routes);

/// True when Docker takes networks from there when it is not told otherwise, so that it may clash later.
bool docker_may_take(const Range& range);

}  // namespace banger::net

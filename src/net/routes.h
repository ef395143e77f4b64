// The IPv4 routes of the host, and whether the bridge's range is free.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "net/ipv4.h"
#include "net/netlink.h"

namespace banger::net {

struct HostRoute {
  Range to;
  std::string device;  ///< empty: no device, e.g. a blackhole
};

/// The routes of all tables, without loopback and broadcast. Also without default routes, and the short prefixes (below
/// 8) that VPNs use instead.
Result<std::vector<HostRoute>> host_routes(Netlink& netlink);

/// "docker0 (Docker)" for a link with one of Docker's names.
std::string describe_device(const std::string& device);

/// `exists`, naming the route and its device, when a route through another device than `own_device` leads into
/// `wanted`. The hint suggests a free range.
Result<> check_clash(const Range& wanted, std::span<const HostRoute> routes, const std::string& own_device);

/// A free private range with that prefix, far from the ranges that Docker takes.
std::optional<Range> suggest_range(std::uint32_t prefix, std::span<const HostRoute> routes);

/// True when Docker, by default, takes networks from that range, so that it can clash later.
bool docker_may_use(const Range& range);

}  // namespace banger::net

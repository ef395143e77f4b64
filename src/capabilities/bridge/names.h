// The route for names in .vm: systemd-resolved asks the daemon's name server for them (capabilities/dns_route.cc).
#pragma once

#include "base/log.h"
#include "capabilities/privileged.h"
#include "config/config.h"

namespace banger::capabilities {

/// Sets the route on the bridge, which must exist. Names are optional, and a host without systemd-resolved has other
/// ways (docs/dns-routing.md). So a failure is logged and is never an error. The route is removed with the bridge.
Task<> route_names(Privileged& privileged, const config::Config& config, const Logger& log);

}  // namespace banger::capabilities

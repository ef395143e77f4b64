// Doctor's line about the host's proxy for guests. Pure.
#pragma once

#include <optional>

#include "capabilities/resource.h"
#include "config/config.h"
#include "http/proxy.h"

namespace banger::engine {

/// Nothing where guests use no proxy. Passwords are left out.
std::optional<capabilities::Check> proxy_check(const config::Config& config, const http::ProxySettings& settings);

}  // namespace banger::engine

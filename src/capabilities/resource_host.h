// What a host resource is made from (resource.h).
#pragma once

#include <functional>

#include "capabilities/resource.h"
#include "config/config.h"
#include "host/paths.h"
#include "machine/firecracker/firecracker.h"
#include "store/store.h"

namespace banger::capabilities {

/// Borrowed for the daemon's life.
struct ResourceHost {
  host::Runtime& runtime;
  const Logger& log;
  const host::Paths& paths;
  const config::Config& config;
  store::Store& store;
  Privileged& privileged;
  /// What Firecracker there is on this host, probed when it is first asked.
  std::function<Task<Result<machine::firecracker::FirecrackerFacts>>()> firecracker;
};

template <class Resource>
std::unique_ptr<HostResource> make_host_resource(const ResourceHost& host) {
  return std::make_unique<Resource>(host);
}

}  // namespace banger::capabilities

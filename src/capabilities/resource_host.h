// The constructor argument of every host resource (resource.h).
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
  /// The facts about this host's Firecracker, probed at the first call.
  std::function<Task<Result<machine::firecracker::FirecrackerFacts>>()> firecracker;
};

template <class Resource>
std::unique_ptr<HostResource> make_host_resource(const ResourceHost& host) {
  return std::make_unique<Resource>(host);
}

}  // namespace banger::capabilities

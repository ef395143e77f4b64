// The constructor argument of every host resource (resource.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "capabilities/egress_gate.h"
#include "capabilities/resource.h"
#include "config/config.h"
#include "host/delegated_cgroup.h"
#include "host/paths.h"
#include "http/proxy.h"
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
  Privileged& network;  ///< for bridges: like `privileged`, or in a private network
  EgressGate& egress;
  /// The facts about this host's Firecracker, probed at the first call.
  std::function<Task<Result<machine::firecracker::FirecrackerFacts>>()> firecracker;
  /// The id of the VM with that name or id. Called when VMs have been recovered.
  std::function<std::optional<std::string>(std::string_view name)> find_vm = {};
  http::ProxySettings proxy = {};       ///< of this host, for guests that use them; empty: none do
  host::CgroupTree* cgroups = nullptr;  ///< null: cgroups are not used
};

template <class Resource>
std::unique_ptr<HostResource> make_host_resource(const ResourceHost& host) {
  return std::make_unique<Resource>(host);
}

}  // namespace banger::capabilities

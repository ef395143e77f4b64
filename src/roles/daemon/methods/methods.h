// The daemon's RPC methods, in groups; src/api describes them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/fleet/manager.h"
#include "engine/reach/dns.h"
#include "engine/reach/forwards.h"
#include "engine/services.h"
#include "rpc/server.h"

namespace banger::roles::daemon {

/// Borrowed by every method for the daemon's life.
struct Daemon {
  engine::Services& services;
  engine::VmManager& vms;
  engine::Dns& dns;
  engine::Forwards& forwards;
  std::function<void()> stop;  ///< ends the daemon after the current answer
  std::int64_t started_at;     ///< unix seconds
};

/// What a method does. Its parameters have been checked against the method's table in src/api.
using Function = Task<Result<Json>> (*)(Daemon&, const Json& params, rpc::CallContext&);
struct Handler {
  std::string_view method;
  Function function;
};

std::span<const Handler> asset_handlers();
std::span<const Handler> file_handlers();
std::span<const Handler> host_handlers();
std::span<const Handler> port_handlers();
std::span<const Handler> saved_handlers();
std::span<const Handler> template_handlers();
std::span<const Handler> vm_handlers();

/// One for each method of src/api; a test compares the two.
std::vector<Handler> all_handlers();
/// Serves them. Parameters that the method's table does not allow are refused here.
void add_methods(rpc::Server& server, Daemon& daemon);

/// The VM that the parameter `vm` names.
Result<std::shared_ptr<engine::VmOwner>> named_vm(Daemon& daemon, const Json& params);
engine::Report report_to(rpc::CallContext& context);
/// The spec of a VM for which nothing was asked; its network is still to be resolved (HostResources::resolve).
vm::Spec default_spec(const engine::Services& services);
/// By name or id; `not_found` suggests the nearest.
Result<store::SaveRow> find_snapshot(Daemon& daemon, const std::string& name_or_id);

}  // namespace banger::roles::daemon

// The daemon's RPC methods, in groups; docs/rpc.md is their contract.
#pragma once

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

void add_vm_methods(rpc::Server& server, Daemon& daemon);
void add_vm_stream_methods(rpc::Server& server, Daemon& daemon);
void add_port_methods(rpc::Server& server, Daemon& daemon);
void add_asset_methods(rpc::Server& server, Daemon& daemon);
void add_host_methods(rpc::Server& server, Daemon& daemon);
void add_saved_methods(rpc::Server& server, Daemon& daemon);
void add_template_methods(rpc::Server& server, Daemon& daemon);

using Method = Task<Result<Json>> (*)(Daemon&, const Json& params, rpc::CallContext&);
/// A method somebody waits for: the ready pool keeps out of its way.
void add_foreground(rpc::Server& server, Daemon& daemon, const char* name, Method method);
engine::Report report_to(rpc::CallContext& context);
/// The spec of a VM for which nothing was asked; its network may still be "auto" (BridgeNetwork::choose).
vm::Spec default_spec(const engine::Services& services);
/// The given fields of a spec over `base`; sizes and counts are range-checked by vm::check_spec.
Result<vm::Spec> spec_over(vm::Spec base, const Json& params);
/// By name or id; `not_found` suggests the nearest.
Result<store::SaveRow> find_snapshot(Daemon& daemon, const std::string& name_or_id);

}  // namespace banger::roles::daemon

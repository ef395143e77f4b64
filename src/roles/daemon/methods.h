// The daemon's RPC methods, in groups; docs/rpc.md is their contract.
#pragma once

#include "roles/daemon/services.h"
#include "roles/daemon/vm_manager.h"
#include "rpc/server.h"

namespace banger::roles::daemon {

/// Borrowed by every method for the daemon's life.
struct Daemon {
  Services& services;
  VmManager& vms;
  std::function<void()> stop;      ///< ends the daemon after the current answer
  std::int64_t started_at;         ///< unix seconds
};

void add_vm_methods(rpc::Server& server, Daemon& daemon);
void add_vm_stream_methods(rpc::Server& server, Daemon& daemon);
void add_asset_methods(rpc::Server& server, Daemon& daemon);
void add_host_methods(rpc::Server& server, Daemon& daemon);

}  // namespace banger::roles::daemon

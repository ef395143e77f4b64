// The functions of the daemon's RPC methods, in groups. src/api describes the methods.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/fleet/manager.h"
#include "engine/reach/dns.h"
#include "engine/reach/forwards.h"
#include "engine/reach/published_ports.h"
#include "engine/services.h"
#include "rpc/server.h"

namespace banger::roles::daemon {

/// The parts of the daemon that methods use. All of them live as long as the daemon.
struct Daemon {
  engine::Services& services;
  engine::VmManager& vms;
  engine::Dns& dns;
  engine::Forwards& forwards;
  engine::PublishedPorts& published;
  std::function<void()> stop;  ///< ends the daemon after the current answer
  std::int64_t started_at;     ///< unix seconds
};

/// The function of a method. The parameters have been checked against the method's table in src/api.
using Function = Task<Result<Json>> (*)(Daemon&, const Json& params, rpc::CallContext&);
struct Handler {
  std::string_view method;
  Function function;
};

std::span<const Handler> asset_handlers();
std::span<const Handler> egress_handlers();
std::span<const Handler> event_handlers();
std::span<const Handler> file_handlers();
std::span<const Handler> file_sync_handlers();
std::span<const Handler> guest_image_handlers();
std::span<const Handler> host_handlers();
std::span<const Handler> port_handlers();
std::span<const Handler> pulled_handlers();
std::span<const Handler> saved_handlers();
std::span<const Handler> session_handlers();
std::span<const Handler> ssh_handlers();
std::span<const Handler> template_handlers();
std::span<const Handler> vm_handlers();

/// One handler for each method of src/api. A unit test compares the handlers with the table.
std::vector<Handler> all_handlers();
/// Adds all methods to the server. Each call is refused with `invalid` if the method's table does not allow the
/// parameters.
void add_methods(rpc::Server& server, Daemon& daemon);

/// The VM that the parameter `vm` names. `not_found` when there is no such VM.
Result<std::shared_ptr<engine::VmOwner>> named_vm(Daemon& daemon, const Json& params);
/// A parameter in milliseconds; nullopt when it is absent.
Result<std::optional<std::chrono::milliseconds>> find_ms(const Json& params, std::string_view key);
/// The ports that the VM publishes, open for its start (PublishedPorts::reserve).
Result<engine::PublishedPorts::Reserved> reserve_ports(Daemon& daemon, const engine::VmOwner& vm);
engine::Report report_to(rpc::CallContext& context);
/// The spec of a VM that was created without parameters. The caller resolves its network (HostResources::resolve).
vm::Spec default_spec(const engine::Services& services);
/// A snapshot by its name or id. The error `not_found` suggests the most similar name.
Result<store::SaveRow> find_snapshot(Daemon& daemon, const std::string& name_or_id);

}  // namespace banger::roles::daemon

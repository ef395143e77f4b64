#include "roles/daemon/methods/methods.h"

#include <nlohmann/json.hpp>

#include "api/method.h"

namespace banger::roles::daemon {

namespace {

Task<Result<Json>> run(Daemon& daemon, const api::Method& method, Function function, const Json& params,
                       rpc::CallContext& context) {
  CO_TRY(api::check_params(method, params));
  if (method.priority == api::Priority::normal) co_return co_await function(daemon, params, context);
  auto call = daemon.vms.foreground().begin();
  co_return co_await function(daemon, params, context);
}

}  // namespace

std::vector<Handler> all_handlers() {
  std::vector<Handler> all;
  for (auto handlers : {asset_handlers(), egress_handlers(), event_handlers(), file_handlers(), file_sync_handlers(),
                        guest_image_handlers(), host_handlers(), port_handlers(), pulled_handlers(), saved_handlers(),
                        session_handlers(), ssh_handlers(), template_handlers(), vm_handlers()})
    all.insert(all.end(), handlers.begin(), handlers.end());
  return all;
}

void add_methods(rpc::Server& server, Daemon& daemon) {
  for (const auto& [name, function] : all_handlers()) {
    const auto* method = api::find_method(name);
    if (!method) continue;  // a unit test fails for a name without a description
    auto shape = method->shape == api::Shape::stream ? rpc::Shape::stream : rpc::Shape::plain;
    server.add(
        std::string(name),
        [&daemon, method, function](const Json& params, rpc::CallContext& context) {
          return run(daemon, *method, function, params, context);
        },
        shape, method->cost == api::Cost::high ? rpc::Cost::high : rpc::Cost::low);
  }
}

Result<std::shared_ptr<engine::VmOwner>> named_vm(Daemon& daemon, const Json& params) {
  return daemon.vms.registry().get(TRY(get_string(params, "vm")));
}

Result<std::optional<std::chrono::milliseconds>> find_ms(const Json& params, std::string_view key) {
  auto ms = TRY(find_int(params, key));
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds(*ms);
}

Result<engine::PublishedPorts::Reserved> reserve_ports(Daemon& daemon, const engine::VmOwner& vm) {
  auto ports = vm.record().spec().publish;
  return daemon.published.reserve(ports, &vm);
}

engine::Report report_to(rpc::CallContext& context) {
  return [&context](std::string_view stage, std::string_view detail, int percent) {
    context.progress(stage, detail, percent);
  };
}

}  // namespace banger::roles::daemon

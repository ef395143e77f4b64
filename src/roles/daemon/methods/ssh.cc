// vm.ssh: what ssh on the host needs before it connects.
#include "api/objects/ssh.h"

#include <nlohmann/json.hpp>

#include "capabilities/ssh/host_key.h"
#include "capabilities/ssh/known_hosts.h"
#include "capabilities/ssh/owner_key.h"
#include "engine/reach/listening.h"
#include "engine/vm/wake.h"
#include "guestcfg/checks.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

constexpr std::int64_t kUsualPort = 22;

/// The names under which ssh may look the VM up: its own, and the one that the caller has typed.
std::vector<std::string> names_of(const std::string& name, const std::string& asked) {
  std::vector<std::string> names = {name};
  if (asked != name && guestcfg::check_host_name(asked)) names.push_back(asked);
  return names;
}

Result<std::string> host_key_of(const engine::VmOwner& vm) {
  auto key = capabilities::public_host_key(vm.parts().disks.directory());
  if (key) return key;
  const auto& name = vm.record().name();
  return std::unexpected(std::move(key.error())
                             .in(fmt::format("the host key of vm '{}'", name))
                             .with_hint(fmt::format("banger vm restart {}", name)));
}

Task<Result<Json>> ssh(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto port = static_cast<std::uint16_t>(CO_TRY(find_int(params, "port")).value_or(kUsualPort));
  auto use = vm->parts().use->begin();
  CO_TRY(co_await engine::wake(vm, engine::Wakes::stopped_too));
  // On the usual port, the guest's agent answers where no other server does.
  bool server = CO_TRY(co_await engine::wait_for_listener(vm->parts(), port, context.cancel())) || port == kUsualPort;
  const auto& paths = daemon.services.paths;
  CO_TRY(capabilities::owner_key(paths, daemon.services.config));
  auto key = CO_TRY(host_key_of(*vm));
  const auto& registry = daemon.vms.registry();
  CO_TRY(capabilities::remember_host(paths,
                                     {.id = vm->record().id(),
                                      .names = names_of(vm->record().name(), CO_TRY(get_string(params, "vm"))),
                                      .port = port,
                                      .key = key},
                                     [&](const std::string& id) { return registry.contains(id); }));
  co_return api::to_json(api::SshObject{.id = vm->record().id(),
                                        .name = vm->record().name(),
                                        .server = server,
                                        .host_key = std::move(key),
                                        .known_hosts = capabilities::known_hosts_path(paths)});
}

constexpr Handler kHandlers[] = {{"vm.ssh", ssh}};

}  // namespace

std::span<const Handler> ssh_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon

// daemon.* and host.*: the daemon and its host.
#include "api/objects/host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "config/defaults.h"
#include "engine/health/doctor.h"
#include "engine/health/gc.h"
#include "host/files.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

std::uint64_t resident_bytes() {
  auto statm = host::read_file("/proc/self/statm", limits::kStatmBytes);
  if (!statm) return 0;
  auto fields = split(*statm, ' ');
  return fields.size() < 2 ? 0
                           : std::strtoull(std::string(fields[1]).c_str(), nullptr, 10) *
                                 static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Task<Result<Json>> status(Daemon& daemon, const Json&, rpc::CallContext&) {
  int running = 0;
  for (const auto& vm : daemon.vms.registry().list()) running += vm->record().state() == vm::State::running;
  const auto& paths = daemon.services.paths;
  co_return api::to_json(api::DaemonStatus{
      .version = BANGER_VERSION,
      .pid = ::getpid(),
      .started_at = daemon.started_at,
      .socket = paths.daemon_socket(),
      .log = paths.daemon_log(),
      .state = paths.state,
      .vms_running = running,
      .resident_bytes = resident_bytes(),
      .recovered = daemon.vms.recovery().summaries(),
  });
}

Task<Result<Json>> stop(Daemon& daemon, const Json&, rpc::CallContext&) {
  daemon.stop();
  co_return Json::object();
}

std::string describe_templates(Daemon& daemon) {
  if (!daemon.services.config.templates) return "turned off in the config; every VM boots";
  std::uint64_t bytes = 0;
  auto templates = daemon.services.saves.list(store::SaveKind::template_);
  for (const auto& row : templates) bytes += daemon.services.saves.disk_usage(row.id);
  auto pool = daemon.vms.pool().members().size();
  if (templates.empty()) return "none yet; the first VM of an image makes one";
  return fmt::format("{} ({} on disk), {} in the ready pool", templates.size(), format_size(bytes), pool);
}

Task<Result<Json>> doctor(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  bool fix = CO_TRY(find_bool(params, "fix")).value_or(false);
  context.progress("checking", "");
  api::CheckList list;
  constexpr const char* kNames[] = {"pass", "warn", "fail"};
  auto found = co_await engine::run_doctor(daemon.services, fix ? engine::Verdicts::fresh : engine::Verdicts::kept);
  found.push_back(daemon.dns.check());
  for (const auto& check : found)
    list.checks.push_back({.name = check.name,
                           .status = kNames[static_cast<int>(check.status)],
                           .detail = check.detail,
                           .hint = check.hint});
  list.checks.push_back({.name = "templates", .status = "pass", .detail = describe_templates(daemon), .hint = ""});
  co_return api::to_json(list);
}

Task<Result<Json>> gc(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  bool dry_run = CO_TRY(find_bool(params, "dry_run")).value_or(false);
  auto collect = dry_run ? engine::Collect::list_only : engine::Collect::remove;
  if (auto vms = daemon.vms.recovery().untried(); !vms.empty())
    context.progress("recovery", fmt::format("waiting for {}, after the start of the daemon", vms), -1);
  api::LeftoverList list;
  for (const auto& item : CO_TRY(co_await engine::collect_garbage(daemon.services, daemon.vms, collect)))
    list.items.push_back({.kind = item.kind, .path = item.path, .reason = item.reason, .removed = item.removed});
  co_return api::to_json(list);
}

Task<Result<Json>> defaults(Daemon& daemon, const Json&, rpc::CallContext&) {
  const auto& services = daemon.services;
  auto d = config::resolve_defaults(services.config,
                                    {.cpus = services.host_size.cpus, .memory_bytes = services.host_size.memory_bytes});
  co_return api::to_json(api::DefaultsObject{
      .vcpus = d.vcpus.value,
      .memory_bytes = d.memory_bytes.value,
      .disk_bytes = d.disk_bytes.value,
      .system_bytes = d.system_bytes.value,
      .image = services.config.default_image_name,
      .sources = {.vcpus = std::string(d.vcpus.source),
                  .memory_bytes = std::string(d.memory_bytes.source),
                  .disk_bytes = std::string(d.disk_bytes.source),
                  .system_bytes = std::string(d.system_bytes.source)},
      .host_cpus = services.host_size.cpus,
      .host_memory_bytes = services.host_size.memory_bytes,
  });
}

constexpr Handler kHandlers[] = {
    {"daemon.status", status}, {"daemon.stop", stop},       {"host.doctor", doctor},
    {"host.gc", gc},           {"host.defaults", defaults},
};

}  // namespace

std::span<const Handler> host_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon

// vm.sync: the files of [[file_sync]], into a guest that runs already.
#include "api/objects/file_sync.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/file_sync/send.h"
#include "engine/vm/wake.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/vm_object.h"

namespace banger::roles::daemon {

namespace {

using capabilities::FileSyncPlan;

void add_plan(const FileSyncPlan& plan, api::SyncResult& result) {
  std::size_t bytes = 0, more = 0;
  result.plan.emplace();
  for (const auto& object : plan.objects) {
    auto path = printable(object.path, limits::kPathBytes);
    bytes += path.size() + limits::kPlanRowBytes;
    result.files += object.directory ? 0 : 1;
    result.bytes += object.bytes;
    if (bytes > limits::kPlanBytes)
      ++more;
    else
      result.plan->push_back({std::move(path), object.directory, static_cast<std::int64_t>(object.mode), object.bytes});
  }
  if (more > 0) result.plan_more = more;
}

Task<Result<api::SyncResult>> plan(Daemon& daemon, const engine::VmOwner& vm) {
  auto [id, name] = name_object(vm);
  auto files = engine::host_files(daemon.services);
  auto plan = co_await daemon.services.runtime.blocking([&] { return capabilities::plan_sync(files); });
  api::SyncResult result{
      .id = std::move(id), .name = std::move(name), .warnings = plan.warnings, .plan = {}, .plan_more = {}};
  add_plan(plan, result);
  co_return result;
}

Task<Result<Json>> sync(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  if (daemon.services.config.file_sync.empty())
    co_return fail(ErrorCode::invalid, "the config has no [[file_sync]] entries", "see docs/file-sync.md");
  if (CO_TRY(find_bool(params, "dry_run")).value_or(false)) co_return api::to_json(CO_TRY(co_await plan(daemon, *vm)));
  auto client = CO_TRY(co_await engine::reach_guest(vm, limits::kAgentConnectDeadline));
  auto use = vm->parts().use->begin();
  auto report = CO_TRY(co_await capabilities::sync_files({.runtime = daemon.services.runtime,
                                                          .client = *client,
                                                          .files = engine::host_files(daemon.services),
                                                          .directory = vm->parts().disks.directory(),
                                                          .given_up = [&] { return context.cancel().requested(); }}));
  auto [id, name] = name_object(*vm);
  for (const auto& warning : report.warnings)
    daemon.services.log.warn("file_sync.warning", {{"vm", name}, {"warning", warning}});
  co_return api::to_json(api::SyncResult{.id = std::move(id),
                                         .name = std::move(name),
                                         .files = report.files,
                                         .bytes = report.bytes,
                                         .warnings = std::move(report.warnings),
                                         .plan = {},
                                         .plan_more = {}});
}

constexpr Handler kHandlers[] = {{"vm.sync", sync}};

}  // namespace

std::span<const Handler> file_sync_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon

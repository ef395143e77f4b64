#include "engine/health/upkeep.h"

#include "engine/bounds.h"
#include "engine/stages.h"
#include "host/files.h"
#include "host/recorded_directory.h"
#include "machine/bounds.h"
#include "machine/log_bound.h"

namespace banger::engine {

namespace {

Task<> read_metrics(std::shared_ptr<VmOwner> vm) {
  co_await vm->parts().machine->read_metrics(std::chrono::milliseconds(0));
}

}  // namespace

// A VMM that does not answer must not delay the others.
Task<> poll_metrics(Services& services, const VmRegistry& vms) {
  if (services.config.metrics_poll_interval.count() == 0) co_return;
  auto every = std::max<std::chrono::milliseconds>(services.config.metrics_poll_interval, limits::kMetricsPollFloor);
  for (;;) {
    co_await services.runtime.sleep_for(every);
    for (const auto& vm : vms.everything())
      if (!vm->parts().link->silent()) services.runtime.spawn(read_metrics(vm));
  }
}

Task<> bound_logs_once(Services& services, const VmRegistry& vms) {
  std::vector<std::string> directories;
  for (const auto& vm : vms.everything())
    if (vm->parts().machine->get()) directories.push_back(vm->parts().disks.directory());
  co_await services.runtime.blocking([&directories, own = services.paths.daemon_log()] {
    (void)machine::bound_log(own);
    for (const auto& directory : directories) machine::bound_logs(directory);
    return true;
  });
}

Task<> bound_logs(Services& services, const VmRegistry& vms) {
  for (;;) {
    co_await services.runtime.sleep_for(limits::kLogCheckInterval);
    co_await bound_logs_once(services, vms);
  }
}

Task<> look_after_guests(Services& services, const VmRegistry& vms) {
  for (;;) {
    co_await services.runtime.sleep_for(limits::kAttentionInterval);
    services.store.keep_reserve();
    // A guest that does not answer must not delay the others.
    for (const auto& vm : vms.everything()) services.runtime.spawn(VmOwner::look_after(vm));
  }
}

Task<Result<>> end_stale(Services& services, VmOwner& vm) {
  Stages stages{Report{}};
  if (services.config.auto_stop_action == config::StopAction::suspend) co_return co_await vm.suspend(stages);
  CO_TRY(co_await vm.stop(limits::kStopDeadline));
  co_return Result<>{};
}

Task<> stop_stale_once(Services& services, const VmRegistry& vms) {
  for (const auto& vm : vms.list()) {
    if (vm->parts().use->idle_for() < services.config.auto_stop_stale_after) continue;
    services.log.info("vm.stale",
                      {{"vm", vm->record().name()}, {"action", config::to_string(services.config.auto_stop_action)}});
    if (auto ended = co_await end_stale(services, *vm); !ended)
      services.log.warn("vm.stale_failed", {{"vm", vm->record().name()}, {"error", ended.error().sentence()}});
  }
}

Task<> stop_stale(Services& services, const VmRegistry& vms) {
  auto limit = services.config.auto_stop_stale_after;
  if (limit.count() == 0) co_return;
  auto every = std::clamp<std::chrono::milliseconds>(limit / 4, limits::kStaleCheckFloor, limits::kStaleCheckCeiling);
  for (;;) {
    co_await services.runtime.sleep_for(every);
    co_await stop_stale_once(services, vms);
  }
}

Task<> release_leftovers(Services& services, const VmRegistry& vms) {
  for (const auto& id : services.resources.holders()) {
    if (auto vm = vms.find_exactly(id); vm && vm->record().id() == id)
      co_await vm->release_leftovers();
    else
      co_await services.resources.release_all(id);
  }
}

Task<> remove_unfinished(Services& services) {
  // The list is made at once. What a client begins later is not in it.
  auto paths = services.images.leftovers();
  auto kernels = services.kernels.leftovers();
  paths.insert(paths.end(), kernels.begin(), kernels.end());
  auto stages = host::abandoned_directories(host::copy_records(services.paths));
  if (paths.empty() && stages.empty()) co_return;
  co_await services.runtime.blocking([&] {
    for (const auto& path : paths) (void)host::remove_tree(path);
    for (const auto& stage : stages) (void)host::remove_abandoned(stage);
    return true;
  });
  for (const auto& path : paths) services.log.info("daemon.removed_unfinished", {{"path", path}});
  for (const auto& stage : stages) services.log.info("daemon.removed_unfinished", {{"path", stage.path}});
}

}  // namespace banger::engine

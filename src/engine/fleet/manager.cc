#include "engine/fleet/manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"

namespace banger::engine {

namespace {

constexpr std::chrono::seconds kRecoverAgain{5};  // a full disk, for example, may have room by then

}  // namespace

VmManager::VmManager(Services& services)
    : services_(services),
      recovery_(services.runtime),
      foreground_(services.runtime),
      registry_(services),
      memory_(services.config, registry_),
      templates_(
          services,
          {.make =
               [this](const vm::Spec& spec, const image::Image& image, const std::string& kernel) {
                 return record_vm(
                     services_, registry_,
                     {.purpose = store::Purpose::template_build, .image_id = image.id, .kernel = kernel, .spec = spec});
               },
           .remove = [this](std::shared_ptr<VmOwner> vm) { return remove(std::move(vm), Force::yes); }}),
      pool_(services, foreground_,
            {.make = [this](const store::SaveRow& save) -> Result<std::shared_ptr<VmOwner>> {
               auto spec = TRY(saved_spec(save));
               return record_vm(services_, registry_,
                                {.purpose = store::Purpose::pool,
                                 .image_id = save.image_id,
                                 .kernel = save.kernel,
                                 .save_id = save.id,
                                 .spec = std::move(spec)});
             },
             .remove = [this](std::shared_ptr<VmOwner> vm) { return remove(std::move(vm), Force::yes); },
             .room = [this](std::uint64_t memory_bytes) { return memory_.check(memory_bytes).has_value(); }}),
      creation_(services, registry_, memory_, templates_, pool_) {}

Result<> VmManager::load() {
  TRY(registry_.load());
  services_.saves.sweep();
  return {};
}

// True when there is nothing left to recover.
Task<bool> VmManager::try_recovery(std::shared_ptr<VmOwner> vm) {
  auto what = co_await vm->recover();
  if (!what) {
    auto failure = fmt::format("vm '{}': could not be recovered: {}", vm->record().name(), what.error().message);
    // A repeated failure is reported only once.
    if (std::ranges::find(recovered_, failure) != recovered_.end()) co_return false;
    services_.log.error("vm.recover_failed", {{"vm", vm->record().name()}, {"error", what.error().sentence()}});
    recovered_.push_back(std::move(failure));
    co_return false;
  }
  if (!what->empty()) {
    services_.log.info("vm.recovered", {{"vm", vm->record().name()}, {"what", *what}});
    recovered_.push_back(*what);
  }
  // A pool machine that kept running goes back to the pool. An unfinished template is removed and made again when
  // needed.
  bool pooled = vm->record().row().purpose == store::Purpose::pool && vm->state() == vm::State::running &&
                vm->record().row().started_from == store::StartedFrom::clone;
  if (pooled) {
    pool_.adopt(vm);
  } else if (vm->record().row().purpose != store::Purpose::user && !vm->record().gone()) {
    if (auto removed = co_await vm->remove(Force::yes); !removed)
      services_.log.error("vm.recover_failed", {{"vm", vm->record().name()}, {"error", removed.error().sentence()}});
  }
  if (vm->record().gone()) registry_.forget(vm->record().id());
  co_return true;
}

Task<> VmManager::recover_one(std::shared_ptr<VmOwner> vm) {
  bool done = co_await try_recovery(vm);
  --recovering_;
  recovery_.notify_all();
  while (!done) {
    co_await services_.runtime.sleep_for(kRecoverAgain);
    done = co_await try_recovery(vm);
  }
}

Task<> VmManager::recover_all(host::Deadline deadline) {
  for (const auto& vm : registry_.everything()) {
    ++recovering_;
    services_.runtime.spawn(recover_one(vm));
  }
  (void)co_await await_recovery(deadline);
}

Task<Result<>> VmManager::await_recovery(host::Deadline deadline) {
  while (recovering_ > 0) {
    if (host::Clock::now() >= deadline)
      co_return fail(ErrorCode::busy, "the daemon is still recovering its VMs after its start",
                     "banger vm list shows the VMs that are starting; try again in a minute");
    co_await recovery_.wait(deadline);
  }
  co_return Result<>{};
}

Task<Result<std::shared_ptr<VmOwner>>> VmManager::create(CreateRequest request, Stages& stages, host::Cancel& cancel) {
  return creation_.create(std::move(request), stages, cancel);
}

Task<Result<>> VmManager::remove(std::shared_ptr<VmOwner> vm, Force force) {
  CO_TRY(co_await vm->remove(force));
  registry_.forget(vm->record().id());
  co_return Result<>{};
}

Task<> VmManager::remove_or_log(std::shared_ptr<VmOwner> vm) {
  if (auto gone = co_await remove(vm, Force::yes); !gone)
    services_.log.error("vm.remove_failed", {{"vm", vm->record().name()}, {"error", gone.error().sentence()}});
}

Task<Result<>> VmManager::make_room_for(const VmOwner& vm) {
  if (vm.state() == vm::State::running) co_return Result<>{};
  co_return co_await memory_.make_room(vm.record().spec().memory_bytes, pool_);
}

Task<> VmManager::drop_templates(std::function<bool(const store::SaveRow&)> which) {
  for (const auto& row : services_.saves.list(store::SaveKind::template_)) {
    if (!row.ready || !which(row)) continue;
    (void)services_.saves.retire(row.id);
    co_await pool_.remove_ready_of(row.id);
  }
}

}  // namespace banger::engine

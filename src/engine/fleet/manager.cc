#include "engine/fleet/manager.h"

namespace banger::engine {

VmManager::VmManager(Services& services)
    : services_(services),
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
           .remove = [this](std::shared_ptr<VmOwner> vm) { return remove(std::move(vm), Force::yes); },
           .make_room = [this](std::uint64_t memory_bytes) { return memory_.make_room(memory_bytes, pool_); }}),
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
      creation_(services, registry_, memory_, templates_, pool_),
      recovery_(services, registry_, pool_) {
  services.make_room = [this](std::uint64_t memory_bytes) { return memory_.make_room(memory_bytes, pool_); };
}

Result<> VmManager::load() {
  TRY(registry_.load());
  // The saved states of a VM wait for its recovery, which may use a state that the record does not name yet.
  services_.saves.sweep([this](const store::SaveRow& save) { return !registry_.contains(save.vm_id); });
  return {};
}

Task<Result<std::shared_ptr<VmOwner>>> VmManager::create(CreateRequest request, Stages& stages, host::Cancel& cancel) {
  return creation_.create(std::move(request), stages, cancel);
}

Task<Result<>> VmManager::remove(std::shared_ptr<VmOwner> vm, Force force) {
  CO_TRY(co_await vm->remove(force));
  registry_.forget(vm->record().id());
  co_return Result<>{};
}

Task<Result<>> VmManager::make_room_for(const VmOwner& vm) {
  if (vm.state() == vm::State::running) co_return Result<>{};
  co_return co_await memory_.make_room(vm.record().spec().memory_bytes, pool_);
}

Task<Result<std::string>> VmManager::restart(std::shared_ptr<VmOwner> vm, std::chrono::milliseconds timeout,
                                             Stages& stages, host::Cancel& cancel, WaitFor wait) {
  auto forced = CO_TRY(co_await vm->stop(timeout));
  // The VM may have become larger since its last start.
  CO_TRY(co_await make_room_for(*vm));
  CO_TRY(co_await vm->start(stages, cancel, wait));
  co_return forced;
}

}  // namespace banger::engine

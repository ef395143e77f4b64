#include "engine/fleet/autostart.h"

namespace banger::engine {

namespace {

Task<Result<>> start_one(VmOwner& vm, Services& services) {
  if (services.make_room) CO_TRY(co_await services.make_room(vm.record().spec().memory_bytes));
  Stages stages{Report{}};
  host::Cancel never(services.runtime);
  co_return co_await vm.start(stages, never, WaitFor::agent);
}

Task<> start_and_log(std::shared_ptr<VmOwner> vm, Services& services) {
  services.log.info("vm.autostart", {{"vm", vm->record().name()}, {"id", vm->record().id()}});
  if (auto started = co_await start_one(*vm, services); !started)
    services.log.warn("vm.autostart_failed", {{"vm", vm->record().name()}, {"error", started.error().sentence()}});
}

}  // namespace

void start_automatically(Services& services, const VmRegistry& vms) {
  for (const auto& vm : vms.list()) {
    auto state = vm->state();
    bool waits = state == vm::State::stopped || state == vm::State::suspended;
    if (vm->record().spec().autostart && waits) services.runtime.spawn(start_and_log(vm, services));
  }
}

}  // namespace banger::engine

#include "engine/vm/wake.h"

#include "engine/vm/owner.h"

namespace banger::engine {

using vm::State;

namespace {

// A suspend that has just begun ends first. No caller can cancel a resume that others wait for; and a resume that is
// cut short would lose the memory.
Task<Result<>> start_once(std::shared_ptr<VmOwner> vm, Wakes which) {
  auto& services = vm->parts().services;
  if (services.make_room) CO_TRY(co_await services.make_room(vm->record().spec().memory_bytes));
  services.log.info("vm.wakes", {{"vm", vm->record().name()}, {"id", vm->record().id()}});
  Stages stages{Report{}};
  host::Cancel never(services.runtime);
  co_return co_await vm->start(stages, never, WaitFor::agent, {.still_due = [&] { return can_wake(*vm, which); }});
}

Task<Result<>> start_and_log(std::shared_ptr<VmOwner> vm, Wakes which) {
  auto woken = co_await start_once(vm, which);
  if (!woken)
    vm->parts().services.log.warn("vm.wake_failed", {{"vm", vm->record().name()}, {"error", woken.error().sentence()}});
  co_return woken;
}

}  // namespace

bool sleeps(const VmOwner& vm) {
  if (vm.state() == State::suspending || vm.state() == State::suspended) return true;
  if (vm.state() != State::starting) return false;
  auto save = vm.parts().services.saves.get(vm.record().row().save_id);
  return save && save->kind == store::SaveKind::suspend;
}

bool can_wake(const VmOwner& vm, Wakes which) {
  const auto& record = vm.record();
  if (!vm.parts().services.config.auto_wake || record.gone() || record.row().purpose != store::Purpose::user)
    return false;
  if (which == Wakes::stopped_too && vm.state() == State::stopped) return true;
  return vm.state() == State::suspending || vm.state() == State::suspended;
}

Task<Result<>> wake(std::shared_ptr<VmOwner> vm, Wakes which) {
  auto shared = vm->parts().wake;
  if (!shared->under_way() && !can_wake(*vm, which)) co_return Result<>{};
  co_return co_await SharedWake::join(shared, [vm, which] { return start_and_log(vm, which); });
}

Task<Result<std::shared_ptr<link::Client>>> reach_guest(std::shared_ptr<VmOwner> vm,
                                                        std::chrono::milliseconds patience) {
  for (bool again = true;; again = false) {
    if (can_wake(*vm, Wakes::suspended)) CO_TRY(co_await wake(vm, Wakes::suspended));
    auto client = co_await vm->parts().link->client(host::after(patience));
    // Between the two, somebody may have suspended the VM.
    if (client || !again || !can_wake(*vm, Wakes::suspended)) co_return client;
  }
}

}  // namespace banger::engine

#include "engine/vm/wake.h"

#include "engine/vm/owner.h"

namespace banger::engine {

using vm::State;

bool VmOwner::sleeps() const {
  if (state() == State::suspending || state() == State::suspended) return true;
  if (state() != State::starting) return false;
  auto save = vm_.services.saves.get(vm_.row().save_id);
  return save && save->kind == store::SaveKind::suspend;
}

bool VmOwner::can_wake(Wakes which) const {
  if (!vm_.services.config.auto_wake || record().gone() || record().row().purpose != store::Purpose::user) return false;
  if (which == Wakes::stopped_too && state() == State::stopped) return true;
  return state() == State::suspending || state() == State::suspended;
}

Task<Result<>> VmOwner::wake(std::shared_ptr<VmOwner> self, Wakes which) {
  auto waking = self->waking_;
  if (!waking) {
    if (!self->can_wake(which)) co_return Result<>{};
    waking = self->waking_ = std::make_shared<Waking>(self->vm_.services.runtime);
    self->vm_.services.runtime.spawn(wake_up(self, which, waking));
  }
  while (!waking->result) co_await waking->done.wait();
  co_return *waking->result;
}

Task<> VmOwner::wake_up(std::shared_ptr<VmOwner> self, Wakes which, std::shared_ptr<Waking> waking) {
  auto woken = co_await self->wake_once(which);
  const auto& vm = self->vm_;
  if (!woken) vm.services.log.warn("vm.wake_failed", {{"vm", vm.name()}, {"error", woken.error().sentence()}});
  self->waking_.reset();
  waking->result = std::move(woken);
  waking->done.notify_all();
}

// A suspend that has just begun ends first. No caller can cancel a resume that others wait for; and a resume that is
// cut short would lose the memory.
Task<Result<>> VmOwner::wake_once(Wakes which) {
  if (vm_.services.make_room) CO_TRY(co_await vm_.services.make_room(vm_.spec().memory_bytes));
  auto turn = CO_TRY(co_await take_turn());
  if (!can_wake(which)) co_return Result<>{};
  CO_TRY(vm_.record->admit(vm::Operation::start));
  vm_.services.log.info("vm.wakes", {{"vm", vm_.name()}, {"id", vm_.row().id}});
  abort_ = false;
  Stages stages{Report{}};
  co_return co_await engine::start(vm_, start_of(stages, WaitFor::agent, [] { return false; }));
}

Task<Result<std::shared_ptr<link::Client>>> reach_guest(std::shared_ptr<VmOwner> vm,
                                                        std::chrono::milliseconds patience) {
  for (bool again = true;; again = false) {
    if (vm->can_wake(Wakes::suspended)) CO_TRY(co_await VmOwner::wake(vm, Wakes::suspended));
    auto client = co_await vm->parts().link->client(host::after(patience));
    // Between the two, somebody may have suspended the VM.
    if (client || !again || !vm->can_wake(Wakes::suspended)) co_return client;
  }
}

}  // namespace banger::engine

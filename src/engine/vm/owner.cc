#include "engine/vm/owner.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/bounds.h"
#include "engine/vm/guest_limits.h"
#include "host/files.h"

namespace banger::engine {

using capabilities::TakesEffect;
using vm::Admission;
using vm::Operation;
using vm::State;

VmOwner::VmOwner(Services& services, store::VmRow row, vm::Spec spec, Recovery recovery)
    : vm_(services, std::move(row), std::move(spec)), turn_(services.runtime), recovery_(recovery) {}

void VmOwner::abort() {
  abort_ = true;
  vm_.record->changed().notify_all();
}

Start VmOwner::start_of(Stages& stages, WaitFor wait, std::function<bool()> cancelled) {
  return {.stages = stages,
          .given_up = [this, cancelled] { return abort_ || cancelled(); },
          .wait = wait,
          .memory_file = "",
          .on_exit = [self = shared_from_this()](
                         RunningMachine::Machine ended,
                         machine::MachineExit exit) { return on_exit(self, std::move(ended), std::move(exit)); }};
}

// Takes the turn, so that an operation in progress sees the exit first. An end that is asked for from now on also ends
// the start after a reboot.
Task<> VmOwner::on_exit(std::shared_ptr<VmOwner> self, RunningMachine::Machine ended, machine::MachineExit exit) {
  if (self->state() == State::running) self->abort_ = false;
  auto turn = co_await self->turn_.lock();
  auto& vm = self->vm_;
  if (vm.machine->get() != ended || vm.record->gone()) co_return;
  vm.services.log.info("vm.exited", {{"vm", vm.name()}, {"id", vm.row().id}, {"reason", exit.reason}});
  if (auto settled = co_await self->settle_exit(exit); !settled)
    vm.services.log.error("vm.settle_failed", {{"vm", vm.name()}, {"error", settled.error().message}});
}

Task<Result<>> VmOwner::settle_exit(const machine::MachineExit& exit) {
  bool reboots = state() == State::running && starts_after(exit, vm_.row(), vm_.spec().restart);
  if (reboots && !reboots_.admit(host::Clock::now())) {
    vm_.services.log.warn("vm.reboot_loop", {{"vm", vm_.name()}, {"id", vm_.row().id}});
    co_return co_await record_end(failed(RebootLimit::refusal(exit)));
  }
  CO_TRY(co_await record_end(ended_by(exit)));
  co_return reboots && !unrecorded_ ? co_await boot_again() : Result<>();
}

// Like a computer: the same VM boots from the same disks. The VM may have become larger since its last start.
Task<Result<>> VmOwner::boot_again() {
  vm_.services.log.info("vm.reboots", {{"vm", vm_.name()}, {"id", vm_.row().id}});
  Result<> room;
  if (vm_.services.make_room) room = co_await vm_.services.make_room(vm_.spec().memory_bytes);
  if (!room) {
    vm_.services.log.warn("vm.reboot_refused", {{"vm", vm_.name()}, {"error", room.error().sentence()}});
    co_return co_await record_end(failed("the guest ended, and was not started again: " + room.error().sentence()));
  }
  Stages stages{Report{}};
  co_return co_await engine::start(vm_, start_of(stages, WaitFor::agent, [] { return false; }));
}

Task<Result<>> VmOwner::record_end(Ended ended) {
  auto settled = co_await settle(vm_, State::stopped, ended);
  if (settled || settled.error().code != ErrorCode::exhausted) co_return settled;
  vm_.services.log.warn("vm.unrecorded", {{"vm", vm_.name()}, {"error", settled.error().message}});
  unrecorded_ = std::move(ended);
  vm_.record->changed().notify_all();
  auto follow = [](std::shared_ptr<VmOwner> self) -> Task<> {
    while (self->unrecorded_ && !self->record().gone()) {
      co_await self->vm_.services.runtime.sleep_for(limits::kRecoveryRetry);
      (void)co_await self->take_turn();
    }
  };
  vm_.services.runtime.spawn(follow(shared_from_this()));
  co_return Result<>{};
}

Task<Result<>> VmOwner::make(Stages& stages, host::Cancel& cancel, std::string disks_of, Durable durable) {
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(cancel.check());
  CO_TRY(host::make_private_directory(vm_.disks.directory()));
  stages.begin("disks");
  if (!disks_of.empty()) CO_TRY(co_await vm_.disks.copy_from(std::move(disks_of)));
  CO_TRY(co_await vm_.disks.prepare(CO_TRY(vm_context(vm_))));
  CO_TRY(cancel.check());
  co_return vm_.record->move_to(State::stopped, {}, durable);
}

Task<Result<>> VmOwner::start(Stages& stages, host::Cancel& cancel, WaitFor wait, StartWish wish) {
  auto turn = CO_TRY(co_await take_turn());
  if (wish.still_due && !wish.still_due()) co_return Result<>{};
  if (CO_TRY(vm_.record->admit(Operation::start)) == Admission::nothing_to_do) co_return co_await go_on(vm_);
  abort_ = false;
  auto start = start_of(stages, wait, [&cancel] { return cancel.requested(); });
  start.memory_file = std::move(wish.memory_file);
  co_return co_await engine::start(vm_, std::move(start));
}

Task<Result<>> VmOwner::discard_saved_memory() {
  auto turn = CO_TRY(co_await take_turn());
  if (CO_TRY(vm_.record->admit(Operation::discard_memory)) == Admission::nothing_to_do) co_return Result<>{};
  CO_TRY(co_await end_machine(vm_));
  co_return co_await record_end({});
}

Task<Result<std::string>> VmOwner::stop(std::chrono::milliseconds timeout) {
  reboot_due_ = false;
  auto turn = CO_TRY(co_await take_turn_to_end());
  if (unrecorded_ || CO_TRY(vm_.record->admit(Operation::stop)) == Admission::nothing_to_do) co_return std::string();
  abort_ = false;
  CO_TRY(announce(vm_, State::stopping));
  auto why = CO_TRY(co_await shut_down(vm_, timeout, [this] { return abort_; }));
  Ended asked_for{.how = why.empty() ? "stopped" : "killed", .last_error = ""};
  CO_TRY(co_await record_end(why.empty() || abort_ ? asked_for : failed(why)));
  co_return why;
}

Task<Result<>> VmOwner::kill() {
  reboot_due_ = false;
  abort();
  auto turn = CO_TRY(co_await take_turn_to_end());
  if (unrecorded_ || CO_TRY(vm_.record->admit(Operation::kill)) == Admission::nothing_to_do) co_return Result<>{};
  bool suspended = state() == State::suspended;
  if (!suspended) CO_TRY(announce(vm_, State::stopping));
  CO_TRY(co_await end_machine(vm_));
  co_return co_await record_end({.how = suspended ? "" : "killed", .last_error = ""});
}

Task<Result<>> VmOwner::suspend(Stages& stages) {
  auto turn = CO_TRY(co_await take_turn());
  if (CO_TRY(vm_.record->admit(Operation::suspend)) == Admission::nothing_to_do) co_return Result<>{};
  co_return co_await engine::suspend(vm_, stages);
}

Task<Result<SavedVm>> VmOwner::save_as(store::SaveRow row, Stages& stages, CanStart can_start) {
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(vm_.record->admit(Operation::save));
  co_return co_await engine::save_as(vm_, std::move(row), stages, std::move(can_start));
}

Task<Result<>> VmOwner::restore(const store::SaveRow& snapshot, Force force) {
  reboot_due_ = false;
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(vm_.record->admit(force == Force::yes ? Operation::restore_forced : Operation::restore));
  CO_TRY(check_own_snapshot(vm_.row(), snapshot));
  vm_.staging = true;
  auto restored = co_await engine::restore(vm_, snapshot);
  vm_.staging = false;
  if (state() == State::restoring) recovery_ = Recovery::due;
  co_return in(fmt::format("restore vm '{}'", vm_.name()), std::move(restored));
}

Task<Result<>> VmOwner::claim(Claim claim, Stages& stages) {
  CO_TRY(co_await vm_.link->client(host::after(limits::kPooledLinkDeadline)));
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(vm_.record->admit(Operation::claim));
  if (!vm_.link->up()) co_return fail(ErrorCode::unavailable, "the pooled machine has ended");
  auto wait = claim.wait;
  auto start = start_of(stages, wait, claim.given_up);
  CO_TRY(co_await engine::claim(vm_, std::move(claim), start));
  co_return wait == WaitFor::system ? co_await wait_system(vm_, start) : Result<>();
}

Result<> VmOwner::make_permanent() {
  if (!vm_.row().ephemeral) return {};
  return vm_.record->edit([](store::VmRow& row, vm::Spec&) { row.ephemeral = false; });
}

Task<Result<>> VmOwner::warm_up() {
  auto turn = CO_TRY(co_await take_turn());
  auto client = vm_.link->client();
  if (!client) co_return fail(ErrorCode::unavailable, "the link is gone");
  co_await engine::warm_up(vm_.services.runtime, *client);
  co_return co_await send_config(vm_, Disks::unchanged);
}

Task<Result<>> VmOwner::become_template(std::string save_id, std::string key, Stages& stages) {
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(vm_.record->admit(Operation::become_template));
  co_return co_await engine::become_template(vm_, std::move(save_id), std::move(key), stages);
}

Task<Result<>> VmOwner::remove(Force force) {
  reboot_due_ = false;
  if (force == Force::yes) abort();
  auto turn = CO_TRY(co_await take_turn_to_end());
  auto operation = force == Force::yes || unrecorded_ ? Operation::remove_forced : Operation::remove;
  if (CO_TRY(vm_.record->admit(operation)) == Admission::nothing_to_do) co_return Result<>{};
  // A running VM is stopped first, so that a removal that fails half way leaves a VM that can start.
  bool standing = state() == State::creating || state() == State::stopped || state() == State::suspended ||
                  state() == State::restoring || state() == State::deleting;
  if (!standing) {
    CO_TRY(announce(vm_, State::stopping));
    CO_TRY(co_await end_machine(vm_));
    CO_TRY(co_await record_end({.how = "killed", .last_error = ""}));
  }
  if (!unrecorded_) CO_TRY(announce(vm_, State::deleting));
  CO_TRY(co_await end_machine(vm_));
  co_return co_await remove_everything(vm_);
}

Task<Result<capabilities::TakesEffect>> VmOwner::change(std::string name, vm::Spec spec) {
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(vm_.record->admit(Operation::change));
  auto before = vm_.spec();
  if (spec.disk_bytes < before.disk_bytes || spec.system_bytes < before.system_bytes)
    co_return fail(ErrorCode::invalid, fmt::format("the disks of vm '{}' can only grow (now {} and {})", vm_.name(),
                                                   format_size(before.disk_bytes), format_size(before.system_bytes)));
  CO_TRY(vm_.record->edit([&](store::VmRow& row, vm::Spec& kept) {
    row.name = std::move(name);
    kept = std::move(spec);
  }));
  if (state() != State::running) co_return TakesEffect::after_restart;
  // The host resources change first, because their limits hold whatever the guest does. The guest's config follows.
  CO_TRY(co_await change_limits(vm_, before));
  auto takes_effect = CO_TRY(co_await vm_.services.resources.change(vm_.row().id, before, vm_.spec()));
  bool guest_changes = takes_effect == TakesEffect::at_once || before.pids != vm_.spec().pids;
  if (!guest_changes || !vm_.link->up()) co_return takes_effect;
  if (auto sent = co_await send_config(vm_, Disks::unchanged); !sent)
    vm_.services.log.warn("vm.configure_failed",
                          {{"vm", vm_.name()}, {"id", vm_.row().id}, {"error", sent.error().sentence()}});
  co_return takes_effect;
}

Task<> VmOwner::admit_again(std::shared_ptr<VmOwner> self) {
  auto turn = co_await self->turn_.lock();
  if (self->state() != State::running) co_return;
  auto& vm = self->vm_;
  if (auto admitted = co_await vm.services.resources.admit(vm.row().id, vm.spec()); !admitted)
    vm.services.log.error("vm.admit_failed", {{"vm", vm.name()}, {"error", admitted.error().sentence()}});
}

Task<> VmOwner::release_leftovers() {
  auto turn = co_await turn_.lock();
  if (state() != State::stopped && state() != State::suspended) co_return;
  co_await vm_.services.resources.release_all(vm_.row().id);
  (void)co_await vm_.disks.tidy_up();
}

Task<Result<std::string>> VmOwner::recover() {
  auto turn = co_await turn_.lock();
  if (recovery_ == Recovery::unneeded) co_return std::string();
  auto recovered = CO_TRY(co_await try_recovery());
  reboot_due_ = recovered.reboots && reboots_.admit(host::Clock::now());
  if (reboot_due_) vm_.services.runtime.spawn(finish_reboot(shared_from_this()));
  co_return recovered.summary;
}

// The recovery itself does not wait for a boot.
Task<> VmOwner::finish_reboot(std::shared_ptr<VmOwner> self) {
  auto turn = co_await self->turn_.lock();
  if (!std::exchange(self->reboot_due_, false) || self->record().gone() || self->state() != State::stopped) co_return;
  self->abort_ = false;
  auto& vm = self->vm_;
  if (auto booted = co_await self->boot_again(); !booted)
    vm.services.log.error("vm.reboot_failed", {{"vm", vm.name()}, {"error", booted.error().sentence()}});
}

Task<Result<host::Mutex::Lock>> VmOwner::take_turn() {
  auto turn = CO_TRY(co_await take_turn_to_end());
  if (unrecorded_ && !record().gone()) CO_TRY(co_await settle(vm_, State::stopped, *unrecorded_));
  unrecorded_.reset();
  co_return turn;
}

Task<Result<host::Mutex::Lock>> VmOwner::take_turn_to_end() {
  auto turn = co_await turn_.lock();
  if (recovery_ == Recovery::due) CO_TRY(co_await try_recovery());
  co_return turn;
}

Task<> VmOwner::look_after(std::shared_ptr<VmOwner> self) { co_await self->attention_.look(self->vm_, self->turn_); }

// After a failure the machine is forgotten, so that the next attempt adopts it from the beginning. After a success the
// record names the saved state that the VM uses, and the VM's other states can go.
Task<Result<Recovered>> VmOwner::try_recovery() {
  Stages stages{Report{}};
  auto what = co_await engine::recover(vm_, start_of(stages, WaitFor::agent, [] { return false; }));
  if (!what) {
    vm_.link->close();
    vm_.machine->forget();
    co_return what;
  }
  recovery_ = Recovery::unneeded;
  if (!record().gone()) (void)co_await vm_.disks.tidy_up();
  vm_.services.saves.sweep([&](const store::SaveRow& save) { return save.vm_id == vm_.row().id; });
  co_return what;
}

}  // namespace banger::engine

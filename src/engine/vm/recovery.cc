#include "engine/vm/recovery.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "engine/vm/guest_limits.h"
#include "engine/vm/reboots.h"
#include "engine/vm/restore.h"

namespace banger::engine {

using vm::State;
using Action = RecoveryAction;

RecoveryPlan plan_recovery(const store::VmRow& row, State state, const SavedStatesOfVm& saves) {
  auto summary = [&row](std::string_view what) { return fmt::format("vm '{}': {}", row.name, what); };
  // Unfinished templates and pool machines are not finished. They are made again when needed.
  if (row.purpose == store::Purpose::template_build || (row.purpose == store::Purpose::pool && state != State::running))
    return {Action::discard, ""};
  if (row.ephemeral) return {Action::discard, summary("deleted together with the command that it was made for")};
  // The create began while its saved state was still being saved, and that save failed.
  if (!row.booted && !saves.has_own) return {Action::discard, summary("undid an interrupted create")};
  switch (vm::recovery(state)) {
    case vm::Recovery::keep:
      // The suspend was interrupted before the machine had ended.
      if (state == State::suspended && !row.machine.empty())
        return {Action::suspend, summary("finished suspending it")};
      return {};
    case vm::Recovery::finish_suspend:
      // If the saved state is incomplete, the guest was only paused and can run on.
      if (saves.suspended) return {Action::adopt_suspended, summary("finished suspending it")};
      return {Action::undo_suspend, summary("adopted; it kept running")};
    case vm::Recovery::adopt_or_stop:
      return {Action::adopt, summary(state == State::running ? "adopted; it kept running" : "finished starting it")};
    case vm::Recovery::finish_stop:
      return {Action::stop, summary("finished stopping it")};
    case vm::Recovery::finish_restore:
      return {Action::finish_restore, summary("finished restoring its snapshot; it is stopped")};
    case vm::Recovery::undo_create:
      return {Action::discard, summary("undid an interrupted create")};
    case vm::Recovery::finish_delete:
      return {Action::discard, summary("finished deleting it")};
  }
  return {};
}

LostMachine plan_without_machine(const std::string& name, State state, std::optional<store::SaveKind> saved,
                                 GuestRan ran, const std::optional<machine::MachineExit>& end) {
  if (state == State::starting && saved == store::SaveKind::suspend && ran == GuestRan::no)
    return {State::suspended, {}, fmt::format("vm '{}': suspended as before; its resume was interrupted", name)};
  if (state != State::running)
    return {State::stopped, failed("the start was interrupted"),
            fmt::format("vm '{}': recorded as stopped; its machine is gone", name)};
  auto ended = end ? ended_by(*end) : failed("the machine ended while the daemon was not running");
  return {State::stopped, ended, fmt::format("vm '{}': recorded as stopped; {}", name, ended.how)};
}

namespace {

std::optional<store::SaveRow> newer_suspend(const VmParts& vm) {
  for (auto& save : vm.services.saves.list(store::SaveKind::suspend))
    if (save.vm_id == vm.row().id && save.id != vm.row().save_id) return save;
  return std::nullopt;
}

SavedStatesOfVm saves_of(const VmParts& vm) {
  const auto& own = vm.row().save_id;
  return {.has_own = own.empty() || vm.services.saves.get(own).has_value(), .suspended = newer_suspend(vm).has_value()};
}

Task<Result<>> adopt_suspended(VmParts& vm) {
  auto save = newer_suspend(vm);
  if (!save) co_return fail(ErrorCode::not_found, "the saved state is gone");
  CO_TRY(co_await vm.machine->find_and_end());
  auto old = vm.row().save_id;
  CO_TRY(co_await settle(vm, State::suspended, {.how = "suspended", .last_error = ""}, save->id));
  vm.services.saves.use(save->id);
  vm.services.saves.release(old);
  co_return Result<>{};
}

Task<Result<Recovered>> without_machine(VmParts& vm, const Error& why) {
  auto save = vm.services.saves.get(vm.row().save_id);
  bool never_ran = !may_have_run(vm.row()) || why.code == ErrorCode::cancelled;
  auto end = vm.machine->unseen_end();
  // An end that nobody knows is a failure.
  bool reboots = vm.record->state() == State::running &&
                 starts_after(end.value_or(machine::MachineExit{}), vm.row(), vm.spec().restart);
  auto lost = plan_without_machine(vm.name(), vm.record->state(), save ? std::optional(save->kind) : std::nullopt,
                                   never_ran ? GuestRan::no : GuestRan::maybe, end);
  CO_TRY(co_await settle(vm, lost.state, lost.ended));
  co_return Recovered{.summary = lost.summary + (reboots ? ", and is started again" : ""), .reboots = reboots};
}

Task<Result<Recovered>> adopt(VmParts& vm, Start& start, std::string summary) {
  auto machine = co_await vm.machine->find(Paused::resumes);
  if (!machine && machine.error().code != ErrorCode::cancelled && vm.machine->is_alive())
    co_return std::unexpected(std::move(machine).error());
  if (!machine) co_return co_await without_machine(vm, machine.error());
  // On a full disk a VM whose machine runs on is recovered without a write.
  if (auto text = dump_json(machine::to_json((*machine)->record())); text != vm.row().machine)
    CO_TRY(vm.record->edit([&](store::VmRow& row, vm::Spec&) { row.machine = text; }));
  vm.machine->adopted(*machine, start.on_exit);
  // The crash may have come before the guest was admitted to its network, or the network's rules may be lost since.
  if (auto admitted = co_await vm.services.resources.admit(vm.row().id, vm.spec()); !admitted)
    vm.services.log.error("vm.network_lost",
                          {{"vm", vm.name()}, {"id", vm.row().id}, {"error", admitted.error().sentence()}});
  // The same for its limits.
  if (auto limited = co_await limit_machine(vm); !limited)
    vm.services.log.error("vm.limits_lost",
                          {{"vm", vm.name()}, {"id", vm.row().id}, {"error", limited.error().sentence()}});
  if (vm.record->state() == State::running) {
    vm.link->keep(*machine);
    co_return Recovered{std::move(summary)};
  }
  // An interrupted start is finished, because the guest has kept on booting.
  std::optional<store::SaveRow> save;
  if (auto found = vm.services.saves.get(vm.row().save_id)) save = *found;
  auto ready = co_await finish_start(vm, start, save);
  if (ready) co_return Recovered{std::move(summary)};
  (void)co_await stopped_by_failure(vm, std::move(ready.error()));
  co_return Recovered{fmt::format("vm '{}': its start was interrupted and could not be finished", vm.name())};
}

}  // namespace

Task<Result<Recovered>> recover(VmParts& vm, Start start) {
  auto plan = plan_recovery(vm.row(), vm.record->state(), saves_of(vm));
  switch (plan.action) {
    case Action::nothing:
      break;
    case Action::discard:
      CO_TRY(co_await vm.machine->find_and_end());
      CO_TRY(co_await remove_everything(vm));
      break;
    case Action::stop:
      CO_TRY(co_await vm.machine->find_and_end());
      CO_TRY(co_await settle(vm, State::stopped, {.how = "stopped", .last_error = ""}));
      break;
    case Action::suspend:
      CO_TRY(co_await vm.machine->find_and_end());
      CO_TRY(co_await settle(vm, State::suspended, {.how = "suspended", .last_error = ""}));
      break;
    case Action::finish_restore:
      CO_TRY(co_await finish_restore(vm));
      break;
    case Action::adopt_suspended:
      CO_TRY(co_await adopt_suspended(vm));
      break;
    case Action::undo_suspend:
      CO_TRY(vm.record->move_to(State::running));
      co_return co_await adopt(vm, start, plan.summary);
    case Action::adopt:
      co_return co_await adopt(vm, start, plan.summary);
  }
  co_return Recovered{std::move(plan.summary)};
}

}  // namespace banger::engine

#include "engine/vm/saving.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/bounds.h"
#include "engine/vm/ending.h"

namespace banger::engine {

using vm::State;

namespace {

std::string machine_name(const machine::MachineRecord& record) {
  return fmt::format("{} {} {}", record.driver, record.version, record.accelerator);
}

Task<Result<>> copy_disks_to(VmParts& vm, const std::string& save_id) {
  CO_TRY(co_await vm.services.resources.flush(vm.row().id));
  co_return co_await vm.services.runtime.blocking([&] { return vm.disks.copy_to(save_id); });
}

/// Whether the disks are copied while the machine is paused.
enum class CopyDisks { no, yes };

// The machine writes as much as possible beforehand, so that the pause is short.
Task<Result<std::chrono::microseconds>> write_state(VmParts& vm, const store::SaveRow& row, Paused after,
                                                    CopyDisks copy, CanStart can_start) {
  auto keep = vm.machine->get();
  auto& machine = *keep;
  auto files = vm.services.saves.new_state(row);
  bool early = CO_TRY(co_await machine.prepare_save(files));
  auto work = [&]() -> Task<Result<>> {
    // The disks come first, so that a machine can start from them while the memory is being saved.
    if (copy == CopyDisks::yes) CO_TRY(co_await copy_disks_to(vm, row.id));
    if (early && can_start) can_start(row);
    co_return co_await machine.save(files);
  };
  co_return co_await while_paused(*vm.machine, after, work);
}

Result<store::SaveRow> describe_save(const VmParts& vm, const store::SaveRow& wanted) {
  const auto& own = vm.row();
  store::SaveRow row;
  row.kind = wanted.kind;
  row.name = wanted.name;
  row.vm_id = own.id;
  row.vm_name = own.name;
  row.spec = own.spec;
  row.image_id = own.image_id;
  row.kernel = own.kernel;
  row.link_token = own.link_token;
  return row;
}

Task<Result<>> describe_machine(VmParts& vm, store::SaveRow& row) {
  const auto& record = vm.machine->get()->record();
  auto* driver = CO_TRY(co_await vm.services.vmms.for_record(record));
  row.build_key = driver->build_key();
  row.machine = machine_name(record);
  co_return Result<>{};
}

// The memory of a suspended VM is saved already, with the sizes and the token of that moment.
Result<store::SaveRow> describe_suspended(const VmParts& vm, const store::SaveRow& wanted) {
  auto row = TRY(vm.services.saves.get(vm.row().save_id));
  row.kind = wanted.kind;
  row.name = wanted.name;
  row.vm_name = vm.name();
  row.key.clear();
  row.files.clear();
  return row;
}

// Until the VM is recorded as suspended, a failure loses nothing, because the machine resumes.
Task<Result<>> suspend_to(VmParts& vm, const store::SaveRow& row) {
  CO_TRY(vm.record->move_to(State::suspending));
  auto work = [&]() -> Task<Result<>> {
    CO_TRY(co_await vm.machine->get()->save(vm.services.saves.new_state(row)));
    CO_TRY(co_await vm.services.saves.finish(row.id, Durable::yes));
    // Recorded before the machine ends. After a crash, recovery ends the machine.
    co_return vm.record->move_to(State::suspended, [&](store::VmRow& own, vm::Spec&) { own.save_id = row.id; });
  };
  CO_TRY(co_await vm.machine->get()->prepare_save(vm.services.saves.new_state(row)));
  CO_TRY(co_await while_paused(*vm.machine, Paused::stays, work));
  co_return Result<>{};
}

// The machine runs again. The guest's clock stood still during the pause.
Task<> go_on_unheld(VmParts& vm) {
  if (co_await vm.link->hold(Hold::off)) co_await vm.link->correct_clock();
}

Task<> undo_suspend(VmParts& vm, const std::string& save_id) {
  (void)co_await vm.services.saves.drop(save_id);
  co_await go_on_unheld(vm);
  if (auto moved = vm.record->move_to(State::running); !moved)
    vm.services.log.error("vm.resume_unrecorded", {{"vm", vm.name()}, {"error", moved.error().message}});
}

}  // namespace

Task<Result<std::chrono::microseconds>> while_paused(RunningMachine& running, Paused after,
                                                     std::function<Task<Result<>>()> work) {
  auto keep = running.get();
  auto& machine = *keep;
  auto began = host::Clock::now();
  running.stand(true);
  auto done = co_await machine.pause();
  if (done) done = co_await work();
  if (!done || after == Paused::resumes) {
    auto resumed = co_await machine.resume();
    // Tried twice, because a machine that stays paused is useless.
    if (!resumed) resumed = co_await machine.resume();
    running.stand(false);
    if (done) done = std::move(resumed);
  }
  CO_TRY(std::move(done));
  co_return std::chrono::duration_cast<std::chrono::microseconds>(host::Clock::now() - began);
}

Task<Result<>> suspend(VmParts& vm, Stages& stages) {
  stages.begin("save");
  auto row = CO_TRY(describe_save(vm, {.kind = store::SaveKind::suspend}));
  CO_TRY(co_await describe_machine(vm, row));
  CO_TRY(co_await vm.link->hold(Hold::on));
  row = CO_TRY(vm.services.saves.begin(std::move(row)));
  auto old = vm.row().save_id;
  if (auto done = co_await suspend_to(vm, row); !done) {
    co_await undo_suspend(vm, row.id);
    co_return std::unexpected(std::move(done.error()).in(fmt::format("suspend vm '{}'", vm.name())));
  }
  vm.services.saves.use(row.id);
  CO_TRY(co_await end_machine(vm));
  CO_TRY(co_await settle(vm, State::suspended, {.how = "suspended", .last_error = ""}));
  vm.services.saves.release(old);
  co_return Result<>{};
}

Task<Result<SavedVm>> save_as(VmParts& vm, store::SaveRow wanted, Stages& stages, CanStart can_start) {
  auto& saves = vm.services.saves;
  bool running = vm.record->state() == State::running, suspended = vm.record->state() == State::suspended;
  stages.begin("save");
  SavedVm saved{.row = CO_TRY(suspended ? describe_suspended(vm, wanted) : describe_save(vm, wanted))};
  if (running) {
    CO_TRY(co_await describe_machine(vm, saved.row));
    CO_TRY(co_await vm.link->hold(Hold::on));
  }
  saved.row = CO_TRY(saves.begin(std::move(saved.row)));
  Result<> done;
  if (running) {
    auto pause = co_await write_state(vm, saved.row, Paused::resumes, CopyDisks::yes, std::move(can_start));
    if (pause) saved.pause = *pause;
    done = pause ? Result<>() : std::unexpected(std::move(pause.error()));
    co_await go_on_unheld(vm);
  } else {
    done = co_await copy_disks_to(vm, saved.row.id);
    if (done && suspended) done = co_await saves.copy_memory(vm.row().save_id, saved.row);
  }
  if (done) {
    auto finished =
        co_await saves.finish(saved.row.id, wanted.kind == store::SaveKind::snapshot ? Durable::yes : Durable::no);
    if (finished) {
      saved.row = std::move(*finished);
      co_return saved;
    }
    done = std::unexpected(std::move(finished.error()));
  }
  (void)co_await saves.drop(saved.row.id);
  co_return std::unexpected(std::move(done.error()).in(fmt::format("save vm '{}'", vm.name())));
}

Task<Result<>> become_template(VmParts& vm, std::string save_id, std::string key, Stages& stages) {
  auto client = vm.link->client();
  if (!client) co_return fail(ErrorCode::unavailable, "the guest ended before it could be saved");
  stages.begin("save");
  CO_TRY(
      in("quiesce the guest", co_await client->call("POST", "/quiesce", "{}", host::after(limits::kQuiesceDeadline))));
  auto row = CO_TRY(vm.services.saves.get(save_id));
  row.key = std::move(key);
  row.link_token = vm.row().link_token;
  row.machine = machine_name(vm.machine->get()->record());
  CO_TRY(vm.services.saves.update(row));
  CO_TRY(co_await write_state(vm, row, Paused::stays, CopyDisks::no, {}));
  CO_TRY(co_await end_machine(vm));
  CO_TRY(co_await vm.services.resources.flush(vm.row().id));
  co_await vm.services.resources.release_all(vm.row().id);
  CO_TRY(vm.disks.move_to(save_id));
  CO_TRY(co_await settle(vm, State::stopped, {.how = "saved as a template", .last_error = ""}));
  CO_TRY(co_await vm.services.saves.finish(save_id, Durable::yes));
  co_return Result<>{};
}

}  // namespace banger::engine

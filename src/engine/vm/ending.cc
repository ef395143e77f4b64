#include "engine/vm/ending.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "engine/bounds.h"
#include "host/files.h"

namespace banger::engine {

Ended ended_by(const machine::MachineExit& exit) {
  if (exit.reason == "guest-shutdown") return {.how = "the guest shut down", .last_error = ""};
  if (exit.reason == "guest-reset") return {.how = "the guest rebooted", .last_error = ""};
  return {.how = exit.reason, .last_error = exit.guest_initiated ? "" : "the machine ended: " + exit.reason};
}

Task<Result<>> end_machine(VmParts& vm) {
  vm.link->drop();
  co_return co_await vm.machine->end();
}

Result<> announce(VmParts& vm, vm::State state) {
  auto moved = vm.record->move_to(state);
  if (moved || moved.error().code != ErrorCode::exhausted) return moved;
  vm.services.log.warn("vm.unrecorded", {{"vm", vm.name()}, {"id", vm.row().id}, {"error", moved.error().message}});
  return {};
}

// The files of the start go before the first write to the store, because that write may need their room.
Task<Result<>> settle(VmParts& vm, vm::State state, Ended ended, std::optional<std::string> goes_on_from) {
  vm.machine->forget();
  vm.link->close();
  co_await vm.services.resources.release_all(vm.row().id);
  vm.disks.remove_start_files();
  const auto& row = vm.row();
  if (auto record = parse_json(row.machine, limits::kRpcMessageBytes); record && record->contains("token"))
    CO_TRY(vm.services.store.remove_journal(row.id, "process", record->at("token").get<std::string>(), Durable::no));
  // A stopped VM cannot continue from its saved state, because its disks have changed since then.
  std::string save = state == vm::State::stopped ? row.save_id : "";
  CO_TRY(vm.record->move_to(state, [&](store::VmRow& r, vm::Spec&) {
    r.machine.clear();
    r.started_from.reset();
    r.last_error = ended.last_error;
    if (!ended.how.empty()) {
      r.ended = ended.how;
      r.ended_at = unix_now();
    }
    if (goes_on_from) r.save_id = *goes_on_from;
    if (state == vm::State::stopped) r.save_id.clear();
  }));
  vm.services.saves.release(save);
  co_return Result<>{};
}

Task<bool> ask_guest_to_stop(VmParts& vm) {
  auto machine = vm.machine->get();
  if (auto client = vm.link->client()) {
    auto mode = !machine || machine->powers_off() ? R"({"mode":"poweroff"})" : R"({"mode":"reboot"})";
    auto asked = co_await client->call("POST", "/shutdown", mode, host::after(limits::kShutdownRequestDeadline));
    if (asked) co_return true;
    vm.services.log.warn("vm.shutdown_refused", {{"vm", vm.name()}, {"error", asked.error().message}});
  }
  if (machine) (void)co_await machine->power_button();
  co_return false;
}

Task<Result<>> remove_everything(VmParts& vm) {
  co_await vm.services.resources.release_all(vm.row().id);
  auto path = vm.disks.directory();
  CO_TRY(co_await vm.services.runtime.blocking([&] { return host::remove_tree(path); }));
  auto save = vm.row().save_id;
  CO_TRY(vm.record->erase());
  vm.services.resources.forget(vm.row().id);
  vm.services.saves.release(save);
  co_return Result<>{};
}

}  // namespace banger::engine

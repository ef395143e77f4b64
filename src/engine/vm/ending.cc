#include "engine/vm/ending.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "engine/bounds.h"
#include "engine/vm/attention.h"
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

namespace {

// The loop wakes when the process ends, because RunningMachine notifies at once. A guest that may have missed the
// request is asked again.
Task<> wait_for_shutdown(VmParts& vm, std::chrono::milliseconds timeout, const std::function<bool()>& given_up) {
  auto deadline = host::after(timeout), ask_at = host::Clock::now();
  bool accepted = false;
  auto waits = [&] {
    return vm.machine->running() && !given_up() && vm.machine->paused_because().empty() && !looks_halted(vm);
  };
  for (bool first = true; waits() && (first || host::Clock::now() < deadline); first = false) {
    if (!accepted && host::Clock::now() >= ask_at) {
      accepted = co_await ask_guest_to_stop(vm);
      ask_at = host::after(limits::kStopRequestRepeat);
      continue;
    }
    co_await vm.record->changed().wait(std::min(deadline, host::after(limits::kStopPoll)));
  }
}

}  // namespace

Task<Result<std::string>> shut_down(VmParts& vm, std::chrono::milliseconds timeout, std::function<bool()> given_up) {
  (void)co_await go_on(vm);
  co_await wait_for_shutdown(vm, timeout, given_up);
  bool forced = vm.machine->running() && !looks_halted(vm);
  auto cause = vm.machine->paused_because();
  CO_TRY(co_await end_machine(vm));
  if (!forced) co_return std::string();
  vm.services.log.warn("vm.forced", {{"vm", vm.name()}, {"id", vm.row().id}});
  if (given_up()) co_return std::string("it was killed meanwhile");
  auto why =
      cause.empty() ? std::string("the guest did not power off in time") : "the guest could not power off: " + cause;
  co_return why + "; its machine was killed";
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

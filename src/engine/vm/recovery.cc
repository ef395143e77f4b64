// After a daemon start: each VM is brought to a state that is true, by what the store says was under way.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/vm/owner.h"
#include "host/files.h"
#include "machine/vmm_process.h"

namespace banger::engine {

using store::Purpose;
using vm::State;

// The process by its record; if the daemon died between starting it and recording its pid, by its token.
Task<Result<std::unique_ptr<machine::Machine>>> VmOwner::find_machine(bool go_on) {
  if (row_.machine.empty()) co_return fail(ErrorCode::not_found, "no machine was started");
  auto json = CO_TRY(parse_json(row_.machine, limits::kRpcMessageBytes));
  auto record = CO_TRY(machine::record_from_json(json));
  if (record.process.pid == 0) {
    auto process = services_.vmms.find_process(record.token);
    if (!process) co_return fail(ErrorCode::not_found, "the machine never started");
    record.process = *process;
  }
  auto* driver = CO_TRY(co_await services_.vmms.for_record(record));
  co_return co_await driver->adopt(record, go_on);
}

// Whether the recorded process is there, be it that no driver can talk to it.
bool VmOwner::process_lives() const {
  auto json = parse_json(row_.machine, limits::kRpcMessageBytes);
  auto record = json ? machine::record_from_json(*json) : std::unexpected(json.error());
  if (!record) return false;
  if (record->process.pid == 0) return machine::find_process_by_token(record->token).has_value();
  return machine::VmmProcess::adopt(*record).has_value();
}

Task<Result<>> VmOwner::end_found_machine() {
  auto machine = co_await find_machine(false);
  if (machine)
    machine_ = std::move(*machine);
  else if (process_lives())
    co_return std::unexpected(std::move(machine).error());
  co_return co_await end_machine();
}

Task<Result<>> VmOwner::discard() {
  CO_TRY(co_await end_found_machine());
  co_await services_.resources.release_all(row_.id);
  CO_TRY(host::remove_tree(directory()));
  CO_TRY(services_.store.delete_vm(row_.id));
  services_.resources.forget(row_.id);
  gone_ = true;
  services_.saves.release(std::exchange(row_.save_id, ""));
  co_return Result<>{};
}

Task<Result<std::string>> VmOwner::recover() {
  auto turn = co_await turn_.lock();
  if (!recovery_due_) co_return std::string();
  co_return co_await try_recovery();
}

Task<Result<host::Mutex::Lock>> VmOwner::take_turn() {
  auto turn = co_await turn_.lock();
  if (recovery_due_) CO_TRY(co_await try_recovery());
  co_return turn;
}

// A failure lets the machine go, so that the next try takes it over from the beginning.
Task<Result<std::string>> VmOwner::try_recovery() {
  auto what = co_await finish_what_was_begun();
  recovery_due_ = !what;
  if (what) co_return what;
  if (client_) client_->close();
  client_.reset();
  machine_.reset();
  co_return what;
}

Task<Result<std::string>> VmOwner::finish_what_was_begun() {
  // What was never anybody's is not finished: whoever needs it makes it anew.
  if (row_.purpose == Purpose::template_build || (row_.purpose == Purpose::pool && state_ != State::running)) {
    CO_TRY(co_await discard());
    co_return std::string();
  }
  if (row_.ephemeral) {
    CO_TRY(co_await discard());
    co_return fmt::format("vm '{}': deleted with the command it was made for", row_.name);
  }
  // Begun while what it was to go on from was being saved, and that came to nothing.
  if (!row_.booted && !row_.save_id.empty() && !services_.saves.get(row_.save_id)) {
    CO_TRY(co_await discard());
    co_return fmt::format("vm '{}': undid a create that was cut short", row_.name);
  }
  switch (vm::recovery(state_)) {
    case vm::Recovery::keep: {
      if (state_ != State::suspended || row_.machine.empty()) co_return std::string();
      // Suspended, and cut short before its machine had ended.
      CO_TRY(co_await end_found_machine());
      CO_TRY(co_await settle(State::suspended, ""));
      co_return fmt::format("vm '{}': finished suspending it", row_.name);
    }
    case vm::Recovery::finish_suspend:
      co_return co_await finish_suspend();
    case vm::Recovery::adopt_or_stop:
      co_return co_await adopt_or_settle();
    case vm::Recovery::finish_stop: {
      CO_TRY(co_await end_found_machine());
      CO_TRY(co_await settle_stopped(""));
      co_return fmt::format("vm '{}': finished stopping it", row_.name);
    }
    case vm::Recovery::undo_create:
    case vm::Recovery::finish_delete: {
      bool creating = state_ == State::creating;
      CO_TRY(co_await discard());
      co_return fmt::format("vm '{}': {}", row_.name,
                            creating ? "undid a create that was cut short" : "finished deleting it");
    }
  }
  co_return std::string();
}

// A guest runs only after its process was recorded; without one in the record its saved memory still fits its disks.
bool VmOwner::may_have_run() const {
  if (row_.machine.empty()) return false;
  auto json = parse_json(row_.machine, limits::kRpcMessageBytes);
  auto record = json ? machine::record_from_json(*json) : std::unexpected(json.error());
  return !record || record->process.pid != 0;
}

Task<Result<std::string>> VmOwner::adopt_or_settle() {
  auto machine = co_await find_machine(true);
  if (!machine) {
    auto save = services_.saves.get(row_.save_id);
    bool never_ran = !may_have_run() || machine.error().code == ErrorCode::cancelled;
    if (machine.error().code != ErrorCode::cancelled && process_lives())
      co_return std::unexpected(std::move(machine).error());
    if (state_ == State::starting && save && save->kind == store::SaveKind::suspend && never_ran) {
      CO_TRY(co_await settle(State::suspended, ""));
      co_return fmt::format("vm '{}': suspended as before, resuming it was cut short", row_.name);
    }
    CO_TRY(co_await settle_stopped(state_ == State::running ? "the machine ended while the daemon was away"
                                                            : "the start was cut short"));
    co_return fmt::format("vm '{}': recorded as stopped, its machine is gone", row_.name);
  }
  row_.machine = dump_json(machine::to_json((*machine)->record()));
  CO_TRY(keep_row());
  attach(std::move(*machine));
  // It may have been cut short before its guest was admitted, and what was made for it flushed since.
  if (auto admitted = co_await services_.resources.admit(row_.id, spec_); !admitted)
    services_.log.error("vm.network_lost",
                        {{"vm", row_.name}, {"id", row_.id}, {"error", admitted.error().sentence()}});
  if (state_ == State::running) {
    services_.runtime.spawn(keep_link(shared_from_this(), machine_));
    co_return fmt::format("vm '{}': adopted, it went on running", row_.name);
  }
  // A start that was cut short is finished: the guest boots on regardless of us.
  Stages stages{Report{}};
  host::Cancel never(services_.runtime);
  std::optional<store::SaveRow> save;
  if (auto found = services_.saves.get(row_.save_id)) save = *found;
  auto ready = co_await wait_ready(stages, never, save);
  if (ready && save) ready = co_await take_identity(stages, *save);
  if (!ready) {
    (void)co_await stopped_by_failure(std::move(ready.error()));
    co_return fmt::format("vm '{}': its start was cut short and could not be finished", row_.name);
  }
  row_.booted = true;
  row_.started_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  CO_TRY(move_to(State::running));
  co_return fmt::format("vm '{}': finished starting it", row_.name);
}

// The state is whole or it is not; in the second case nothing has happened to the guest but a pause.
Task<Result<std::string>> VmOwner::finish_suspend() {
  for (const auto& save : services_.saves.list(store::SaveKind::suspend)) {
    if (save.vm_id != row_.id || save.id == row_.save_id) continue;
    CO_TRY(co_await end_found_machine());
    // A try that failed has left it in use, and the record as it found it.
    if (!services_.saves.in_use(save.id)) services_.saves.use(save.id);
    auto old = std::exchange(row_.save_id, save.id);
    if (auto settled = co_await settle(State::suspended, ""); !settled) {
      row_.save_id = std::move(old);
      co_return std::unexpected(std::move(settled).error());
    }
    services_.saves.release(old);
    co_return fmt::format("vm '{}': finished suspending it", row_.name);
  }
  CO_TRY(move_to(State::running));
  co_return co_await adopt_or_settle();
}

}  // namespace banger::engine

// A machine's state to disk: suspended VMs, snapshots, forks and templates are all made here.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/vm/owner.h"
#include "host/files.h"

namespace banger::engine {

namespace {

std::string machine_name(const machine::MachineRecord& record) {
  return fmt::format("{} {} {}", record.driver, record.version, record.accelerator);
}

}  // namespace

// While it holds, the agent keeps commands alive whose client is gone: in the copy all of them are.
Task<Result<>> VmOwner::hold(bool on) {
  auto client = CO_TRY(co_await agent(host::after(limits::kHoldDeadline)));
  CO_TRY(in("prepare the guest", co_await client->call("POST", "/hold", on ? R"({"hold":true})" : R"({"hold":false})",
                                                       host::after(limits::kHoldDeadline))));
  co_return Result<>{};
}

Result<store::SaveRow> VmOwner::describe_save(store::SaveKind kind) const {
  store::SaveRow row;
  row.kind = kind;
  row.vm_id = row_.id;
  row.vm_name = row_.name;
  row.spec = row_.spec;
  row.image_id = row_.image_id;
  row.kernel = row_.kernel;
  row.link_token = row_.link_token;
  return row;
}

Result<> VmOwner::copy_files_to(const std::string& save_id) const {
  for (const char* name : {kSystemDisk, kWorkDisk})
    TRY(host::clone_file(directory() + "/" + name, services_.saves.disk(save_id, name)));
  auto modules = directory() + "/" + capabilities::kModulesDisk;
  if (::access(modules.c_str(), F_OK) == 0)
    TRY(host::share_file(modules, services_.saves.disk(save_id, capabilities::kModulesDisk)));
  auto console = directory() + "/" + kConsole;
  if (::access(console.c_str(), F_OK) == 0) TRY(host::clone_file(console, services_.saves.disk(save_id, kConsole)));
  return {};
}

// The machine stands still from here until it is resumed, or for good.
Task<Result<>> VmOwner::write_state(const store::SaveRow& row, const Writing& what, SavedVm& saved) {
  auto files = services_.saves.new_state(row);
  bool early = CO_TRY(co_await machine_->prepare_save(files));
  auto began = host::Clock::now();
  CO_TRY(co_await machine_->pause());
  // Disks first: a machine that is started meanwhile has them in the time that the rest takes.
  Result<> written;
  if (what.disks) written = co_await services_.resources.flush(row_.id);
  if (written && what.disks) written = co_await services_.runtime.blocking([&] { return copy_files_to(row.id); });
  if (written && early && what.can_start) what.can_start(row);
  if (written) written = co_await machine_->save(files);
  if (what.resume || !written) {
    auto resumed = co_await machine_->resume();
    // Asked again: a machine that stands still is of no use to anybody.
    if (!resumed) resumed = co_await machine_->resume();
    if (!resumed && written) written = std::move(resumed);
  }
  saved.pause = std::chrono::duration_cast<std::chrono::microseconds>(host::Clock::now() - began);
  co_return written;
}

Task<Result<>> VmOwner::suspend(Stages& stages) {
  auto turn = CO_TRY(co_await take_turn());
  if (state_ == State::suspended) co_return Result<>{};
  if (gone_ || state_ != State::running)
    co_return fail(ErrorCode::busy,
                   fmt::format("vm '{}' is {} and cannot be suspended", row_.name, vm::to_string(state_)));
  stages.begin("save");
  auto* driver = CO_TRY(co_await services_.vmms.for_record(machine_->record()));
  auto wanted = CO_TRY(describe_save(store::SaveKind::suspend));
  wanted.build_key = driver->build_key();
  wanted.machine = machine_name(machine_->record());
  CO_TRY(co_await hold(true));
  auto row = CO_TRY(services_.saves.begin(std::move(wanted)));
  SavedVm saved;
  Result<> done = move_to(State::suspending);
  if (done) done = co_await write_state(row, {}, saved);
  if (done) {
    auto finished = co_await services_.saves.finish(row.id, Durable::yes);
    if (!finished) done = std::unexpected(std::move(finished.error()));
  }
  // Recorded before the machine ends: whoever comes after a crash ends it.
  auto old = row_.save_id;
  if (done) {
    row_.save_id = row.id;
    done = move_to(State::suspended);
    if (!done) row_.save_id = old;
  }
  if (!done) {
    (void)co_await machine_->resume();
    (void)co_await services_.saves.drop(row.id);
    (void)co_await hold(false);
    if (auto moved = move_to(State::running); !moved)
      services_.log.error("vm.resume_unrecorded", {{"vm", row_.name}, {"error", moved.error().message}});
    co_return std::unexpected(std::move(done.error()).in(fmt::format("suspend vm '{}'", row_.name)));
  }
  services_.saves.use(row.id);
  CO_TRY(co_await end_machine());
  CO_TRY(co_await settle(State::suspended, ""));
  services_.saves.release(old);
  co_return Result<>{};
}

Task<Result<SavedVm>> VmOwner::save_as(store::SaveRow wanted, Stages& stages, CanStart can_start) {
  auto turn = CO_TRY(co_await take_turn());
  bool running = state_ == State::running;
  if (gone_ || (!running && state_ != State::stopped))
    co_return fail(ErrorCode::busy, fmt::format("vm '{}' is {}", row_.name, vm::to_string(state_)),
                   "resume or stop it first");
  stages.begin("save");
  auto row = CO_TRY(describe_save(wanted.kind));
  row.name = wanted.name;
  bool durable = row.kind == store::SaveKind::snapshot;
  if (running) {
    auto* driver = CO_TRY(co_await services_.vmms.for_record(machine_->record()));
    row.build_key = driver->build_key();
    row.machine = machine_name(machine_->record());
    CO_TRY(co_await hold(true));
  }
  row = CO_TRY(services_.saves.begin(std::move(row)));
  SavedVm saved{.row = row};
  Result<> done;
  if (running) {
    done = co_await write_state(row, {.disks = true, .resume = true, .can_start = std::move(can_start)}, saved);
    (void)co_await hold(false);
  } else {
    done = co_await services_.runtime.blocking([&] { return copy_files_to(row.id); });
  }
  if (done) {
    auto finished = co_await services_.saves.finish(row.id, durable ? Durable::yes : Durable::no);
    if (finished)
      saved.row = std::move(*finished);
    else
      done = std::unexpected(std::move(finished.error()));
  }
  if (done) co_return saved;
  (void)co_await services_.saves.drop(row.id);
  co_return std::unexpected(std::move(done.error()).in(fmt::format("save vm '{}'", row_.name)));
}

Task<Result<>> VmOwner::become_template(std::string save_id, std::string key, Stages& stages) {
  auto turn = CO_TRY(co_await take_turn());
  if (state_ != State::running || !client_)
    co_return fail(ErrorCode::unavailable, "the guest ended before it could be saved");
  stages.begin("save");
  CO_TRY(in("quiesce the guest", co_await client_->call("POST", "/quiesce", "{}", host::after(limits::kHoldDeadline))));
  SavedVm saved;
  auto row = CO_TRY(services_.saves.get(save_id));
  row.key = std::move(key);
  row.link_token = row_.link_token;
  row.machine = machine_name(machine_->record());
  CO_TRY(services_.saves.update(row));
  CO_TRY(co_await write_state(row, {}, saved));
  CO_TRY(co_await end_machine());
  CO_TRY(co_await services_.resources.flush(row_.id));
  co_await services_.resources.release_all(row_.id);
  for (const char* name : {kSystemDisk, kWorkDisk, kConsole, capabilities::kModulesDisk}) {
    bool optional = name == std::string_view(capabilities::kModulesDisk);
    if (::rename((directory() + "/" + name).c_str(), services_.saves.disk(save_id, name).c_str()) < 0 &&
        !(optional && errno == ENOENT))
      co_return fail_errno(name);
  }
  CO_TRY(co_await settle_stopped(""));
  CO_TRY(co_await services_.saves.finish(save_id, Durable::yes));
  co_return Result<>{};
}

}  // namespace banger::engine

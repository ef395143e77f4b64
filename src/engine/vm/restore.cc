// From a saved state to a VM of its own: its identity, its sizes, and what is done where that does not work.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/vm/guest_command.h"
#include "engine/vm/owner.h"
#include "host/files.h"

namespace banger::engine {

namespace {

// Places in MachineConfig::drives, in the order of the capabilities that add them. A plain root has no image before it.
std::size_t system_drive(const vm::Spec& spec) { return vm::has_plain_root(spec) ? 0 : 1; }
std::size_t work_drive(const vm::Spec& spec) { return system_drive(spec) + 1; }

Result<vm::Spec> saved_spec(const store::SaveRow& save) {
  return vm::spec_from_json(TRY(parse_json(save.spec, limits::kRpcMessageBytes)));
}

constexpr auto kPooledPatience = std::chrono::seconds(3);
constexpr int kClockAttempts = 8;
constexpr std::int64_t kClockErrorNs = 40'000'000;

std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

// Copies appear by rename, so one that is there is whole. With `replace` the disks that are there give way.
Task<Result<>> VmOwner::copy_disks(std::string save_id, bool replace) {
  co_return co_await services_.runtime.blocking([&]() -> Result<> {
    for (const char* name : {kSystemDisk, kWorkDisk}) {
      auto to = directory() + "/" + name, part = to + ".part";
      if (!replace && ::access(to.c_str(), F_OK) == 0) continue;
      TRY(host::remove_file(part));
      TRY(host::clone_file(services_.saves.disk(save_id, name), part));
      if (::rename(part.c_str(), to.c_str()) < 0) return fail_errno(to);
    }
    auto modules = services_.saves.disk(save_id, capabilities::kModulesDisk),
         own = directory() + "/" + capabilities::kModulesDisk;
    if (::access(modules.c_str(), F_OK) == 0)
      TRY(host::share_file(modules, own));
    else
      TRY(host::remove_file(own));
    auto console = services_.saves.disk(save_id, kConsole), log = directory() + "/" + kConsole;
    if (::access(console.c_str(), F_OK) == 0 && ::access(log.c_str(), F_OK) < 0) TRY(host::clone_file(console, log));
    return {};
  });
}

// The files have their size already; the guest's kernel still goes by the size of the saved ones.
Task<Result<bool>> VmOwner::grow_drives(const vm::Spec& saved) {
  if (spec_.system_bytes > saved.system_bytes)
    CO_TRY(co_await machine_->resize_drive(system_drive(spec_), spec_.system_bytes));
  if (spec_.disk_bytes > saved.disk_bytes) CO_TRY(co_await machine_->resize_drive(work_drive(spec_), spec_.disk_bytes));
  co_return spec_.system_bytes > saved.system_bytes || spec_.disk_bytes > saved.disk_bytes;
}

Task<Result<>> VmOwner::configure(std::shared_ptr<link::Client> client, bool grown) {
  if (!client) co_return fail(ErrorCode::unavailable, "the link to the guest is broken");
  auto vm = CO_TRY(co_await context());
  // Made at the last moment: it carries the time.
  auto guest = CO_TRY(guest_config(vm));
  if (!grown) guest.disks.clear();
  // Links in /run, which are there since it booted.
  guest.units.clear();
  auto body = dump_json(guestcfg::to_json(guest, guestcfg::Contents::inline_data));
  auto asked_ns = unix_ns();
  auto answer =
      CO_TRY(co_await client->call("POST", "/configure", std::move(body), host::after(limits::kConfigureDeadline)));
  co_return co_await set_clock(std::move(client), std::move(answer), asked_ns);
}

// The time in the config is that of its sending, and on a busy host it arrives late. Every answer tells what the
// guest's clock said at some moment between question and answer; a clock that is surely wrong is moved, until it is
// surely right.
Task<Result<>> VmOwner::set_clock(std::shared_ptr<link::Client> client, std::string answer, std::int64_t asked_ns) {
  for (int attempt = 0; attempt < kClockAttempts; ++attempt) {
    auto now_ns = unix_ns();
    auto guest_ns = CO_TRY(get_int(CO_TRY(parse_json(answer, limits::kLinkJsonBytes)), "clock_unix_ns"));
    // The first answer comes from a clock that was set to the time of asking, so it can only be late, and by no more
    // than this.
    if (attempt == 0 && now_ns >= guest_ns && now_ns - guest_ns <= kClockErrorNs) co_return Result<>{};
    auto unsure = (now_ns - asked_ns) / 2;
    auto ahead = guest_ns - asked_ns - unsure;
    if (std::abs(ahead) + unsure <= kClockErrorNs) co_return Result<>{};
    Json question = {{"adjust_ns", std::abs(ahead) > unsure ? -ahead : 0}};
    asked_ns = unix_ns();
    answer =
        CO_TRY(co_await client->call("POST", "/clock", dump_json(question), host::after(limits::kLinkRequestDeadline)));
  }
  services_.log.warn("vm.clock_unsure", {{"vm", row_.name}, {"id", row_.id}});
  co_return Result<>{};
}

Task<Result<>> VmOwner::take_identity(Stages& stages, const store::SaveRow& save) {
  stages.begin("identity");
  auto grown = CO_TRY(co_await grow_drives(CO_TRY(saved_spec(save))));
  CO_TRY(in("identity", co_await configure(client_, grown)));
  (void)services_.saves.touch(save.id);
  stages.end();
  co_return Result<>{};
}

// A template that does not work costs time, never the VM: it is thrown away, and the VM boots from new disks.
Task<Result<>> VmOwner::boot_instead(Stages& stages, host::Cancel& cancel, WaitFor wait, Error why) {
  services_.log.warn("template.unusable", {{"template", row_.save_id}, {"vm", row_.name}, {"error", why.sentence()}});
  CO_TRY(co_await end_machine());
  (void)services_.saves.retire(row_.save_id);
  CO_TRY(co_await settle_stopped(""));
  for (const char* name : {kSystemDisk, kWorkDisk}) CO_TRY(host::remove_file(directory() + "/" + name));
  stages.detail("the template did not work and is thrown away; booting instead", -1);
  CO_TRY(move_to(State::starting));
  co_return co_await boot(stages, cancel, wait);
}

Task<Result<>> VmOwner::forget_memory() {
  auto turn = CO_TRY(co_await take_turn());
  if (state_ != State::suspended) co_return Result<>{};
  co_return co_await settle_stopped("");
}

Task<Result<>> VmOwner::return_to(const store::SaveRow& snapshot) {
  auto turn = CO_TRY(co_await take_turn());
  if (gone_) co_return fail(ErrorCode::not_found, fmt::format("vm '{}' was deleted", row_.name));
  if (state_ == State::suspended) CO_TRY(co_await settle_stopped(""));
  if (state_ != State::stopped)
    co_return fail(ErrorCode::busy, fmt::format("vm '{}' is {}", row_.name, vm::to_string(state_)),
                   "stop it first, or use --force");
  CO_TRY(co_await copy_disks(snapshot.id, true));
  auto saved = CO_TRY(saved_spec(snapshot));
  spec_.disk_bytes = std::max(spec_.disk_bytes, saved.disk_bytes);
  spec_.system_bytes = std::max(spec_.system_bytes, saved.system_bytes);
  if (snapshot.has_memory()) {
    spec_.vcpus = saved.vcpus;
    spec_.memory_bytes = saved.memory_bytes;
    row_.save_id = snapshot.id;
    services_.saves.use(snapshot.id);
  }
  row_.spec = dump_json(vm::to_json(spec_));
  row_.booted = true;
  co_return keep_row();
}

Task<Result<>> VmOwner::hand_over(std::string name, vm::Spec spec, bool ephemeral, Stages& stages) {
  // Just after a daemon start it may not be connected yet.
  CO_TRY(co_await agent(host::after(kPooledPatience)));
  auto turn = CO_TRY(co_await take_turn());
  if (gone_ || state_ != State::running || !client_ || !client_->alive())
    co_return fail(ErrorCode::unavailable, "the pooled machine has ended");
  stages.begin("identity");
  auto pooled = spec_;
  auto row = row_;
  row.name = std::move(name);
  row.spec = dump_json(vm::to_json(spec));
  row.purpose = store::Purpose::user;
  row.ephemeral = ephemeral;
  row.started_from = store::StartedFrom::pool;
  row.created_at = row.started_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  CO_TRY(services_.store.update_vm(row));
  row_ = std::move(row);
  spec_ = std::move(spec);
  last_use_ = host::Clock::now();
  CO_TRY(co_await prepare_disks(stages));
  CO_TRY(co_await services_.resources.change(row_.id, pooled, spec_));
  auto grown = CO_TRY(co_await grow_drives(pooled));
  CO_TRY(in("identity", co_await configure(client_, grown)));
  stages.end();
  row_.stages = dump_json(stages.to_json());
  services_.log.info("vm.started", {{"vm", row_.name}, {"id", row_.id}, {"stages", row_.stages}});
  changed_.notify_all();
  co_return keep_row();
}

Task<Result<>> VmOwner::await_system(Stages& stages) {
  host::Cancel never(services_.runtime);
  co_return co_await wait_system(stages, never);
}

Task<Result<>> VmOwner::exercise() {
  auto turn = CO_TRY(co_await take_turn());
  for (const auto& argv :
       {std::vector<std::string>{"/bin/true"}, {"/bin/sh", "-c", "echo ready"}, {"/bin/sh", "-c", "echo ready"}}) {
    if (!client_) co_return fail(ErrorCode::unavailable, "the link is gone");
    (void)co_await run_in_guest(services_.runtime, *client_, argv, host::after(limits::kLinkRequestDeadline));
  }
  // Also what hand_over() will do.
  co_return co_await configure(client_, false);
}

}  // namespace banger::engine

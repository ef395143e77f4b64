#include "support/fake_machine.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "host/files.h"

namespace banger::test {

using machine::Machine;
using machine::MachineRecord;

void FakeProcess::end(machine::MachineExit how) {
  if (!std::exchange(running, false)) return;
  exit = std::move(how);
  for (const auto& watcher : watchers)
    if (auto event = watcher.lock()) event->notify_all();
}

std::vector<std::shared_ptr<FakeProcess>> FakeHost::running() const {
  std::vector<std::shared_ptr<FakeProcess>> alive;
  for (const auto& [pid, process] : processes)
    if (process->running) alive.push_back(process);
  return alive;
}

std::shared_ptr<FakeProcess> FakeHost::of(std::string_view vm_id) const {
  for (const auto& process : running())
    if (process->config.id == vm_id) return process;
  return nullptr;
}

std::shared_ptr<FakeProcess> FakeHost::by_token(std::string_view token) const {
  for (const auto& process : running())
    if (process->record.token == token) return process;
  return nullptr;
}

namespace {

class FakeMachine final : public Machine {
 public:
  FakeMachine(host::Runtime& runtime, FakeHost& host, std::shared_ptr<FakeProcess> process)
      : runtime_(runtime), host_(host), process_(std::move(process)), ended_(std::make_shared<host::Event>(runtime)) {
    process_->watchers.push_back(ended_);
    process_->guest->shut_down = [&h = host, process = std::weak_ptr(process_)] {
      if (auto alive = process.lock(); alive && h.obeys_shutdown)
        alive->end({.guest_initiated = true, .reason = "guest-shutdown"});
    };
  }

  const MachineRecord& record() const override { return process_->record; }
  // After a simulated crash of the daemon the machine counts as ended, so that no coroutine waits for it.
  bool running() const override { return process_->running && !host_.log.crashed(); }
  std::uint64_t own_memory_bytes() const override { return 0; }
  Result<machine::MachineStats> stats() const override { return process_->stats; }

  Task<Result<UniqueFd>> open_link() override {
    // While the process runs, a failed step means that the guest does not answer yet.
    if (auto opened = step("link"); !opened)
      co_return fail(running() ? ErrorCode::timeout : ErrorCode::unavailable, opened.error().message);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) co_return fail_errno("socketpair");
    UniqueFd near(ends[0]), far(ends[1]);
    if (process_->hangs) {
      unanswered_ = std::move(far);
      co_return near;
    }
    agent_ = std::make_unique<FakeAgent>(runtime_, host_.log, process_->guest, std::move(far));
    co_return near;
  }
  Task<Result<>> power_button() override {
    CO_TRY(step("power button"));
    if (host_.obeys_button) process_->end({.guest_initiated = true, .reason = "guest-shutdown"});
    co_return Result<>{};
  }
  Task<Result<>> pause() override {
    CO_TRY(step("pause"));
    process_->paused = true;
    co_return Result<>{};
  }
  Task<Result<>> resume() override {
    CO_TRY(step("resume"));
    process_->paused = false;
    if (process_->room) process_->paused_because.clear();
    co_return Result<>{};
  }
  Task<Result<bool>> prepare_save(const machine::SavedState&) override {
    CO_TRY(step("prepare save"));
    co_return host_.early;
  }
  Task<Result<>> save(const machine::SavedState& to) override {
    CO_TRY(step("save"));
    if (!process_->paused) co_return fail(ErrorCode::internal, "the machine must be paused before a save");
    CO_TRY(host::write_file(to.devices, "devices"));
    co_return host::write_file(to.memory, "memory");
  }
  Task<Result<>> resize_drive(std::size_t index, std::uint64_t size_bytes) override {
    CO_TRY(step("resize drive"));
    if (process_->drive_bytes.size() <= index) process_->drive_bytes.resize(index + 1);
    process_->drive_bytes[index] = size_bytes;
    co_return Result<>{};
  }
  Task<Result<>> limit_disks(const machine::DiskLimits& limits) override {
    CO_TRY(step("limit disks"));
    process_->disk_limits = limits;
    co_return Result<>{};
  }
  std::string paused_because() const override { return process_->paused_because; }
  Task<Result<>> end_as(machine::MachineExit exit) override {
    CO_TRY(step("end as"));
    process_->end(std::move(exit));
    co_return Result<>{};
  }
  Task<Result<>> kill() override {
    CO_TRY(step("kill"));
    process_->end({.guest_initiated = false, .reason = "killed by signal 9"});
    co_return Result<>{};
  }
  Task<machine::MachineExit> wait_exit() override {
    auto process = process_;
    auto ended = ended_;
    while (process->running && !host_.log.crashed()) co_await ended->wait(host::after(std::chrono::milliseconds(50)));
    co_return process->exit;
  }
  Task<Result<machine::MachineMetrics>> metrics() override {
    CO_TRY(step("metrics"));
    co_return host_.metrics;
  }

 private:
  Result<> step(const std::string& name) {
    if (!process_->running) return fail(ErrorCode::unavailable, "the process has ended");
    return host_.log.step("vmm " + name);
  }

  host::Runtime& runtime_;
  FakeHost& host_;
  std::shared_ptr<FakeProcess> process_;
  std::shared_ptr<host::Event> ended_;
  std::unique_ptr<FakeAgent> agent_;
  UniqueFd unanswered_;  ///< the guest's end of the link of a guest that hangs
};

}  // namespace

MachineRecord FakeDriver::planned(const machine::MachineConfig& config) const {
  return {.driver = "fake",
          .accelerator = "none",
          .version = "1",
          .process = {},
          .token = config.token,
          .directory = config.directory,
          .memory_file = config.restore ? config.restore->memory : config.memory_file,
          .memory_bytes = config.memory_bytes,
          .reason = config.reason};
}

Task<Result<std::unique_ptr<Machine>>> FakeDriver::start(const machine::MachineConfig& config,
                                                         const machine::StartObserver& observer) {
  CO_TRY(host_.log.step("vmm start"));
  if (config.restore && config.restore->whole) CO_TRY(co_await config.restore->whole());
  CO_TRY(host::write_file(config.directory + "/console.log", "a guest came up\n"));
  // A real VMM would give the old content of the file to the new guest as its memory.
  if (!config.memory_file.empty()) CO_TRY(host::open_file(config.memory_file, O_WRONLY | O_CREAT | O_EXCL));
  auto process = std::make_shared<FakeProcess>();
  process->config = config;
  process->disk_limits = config.disk_limits;
  process->record = planned(config);
  int pid = 1000 + static_cast<int>(host_.processes.size());
  process->record.process = {.pid = pid, .start_time = 1};
  process->guest->token = host_.guest_token(config);
  process->guest->system_ready = host_.system_ready;
  host_.processes[pid] = process;
  Result<> told = observer.started ? observer.started(process->record) : Result<>();
  if (told) told = host_.log.step("vmm ready");
  if (!told) {
    // A crashed daemon does not end its machines.
    if (!host_.log.crashed()) process->end({.guest_initiated = false, .reason = "killed by signal 9"});
    co_return std::unexpected(told.error());
  }
  if (!config.restore && host_.hanging_boots > 0) {
    --host_.hanging_boots;
    process->hangs = true;
    process->stats.cpu_time_us = 3'600'000'000;
  }
  if (host_.ends_at_once) process->end({.guest_initiated = true, .reason = "guest-shutdown"});
  co_return std::make_unique<FakeMachine>(runtime_, host_, process);
}

Task<Result<std::unique_ptr<Machine>>> FakeDriver::adopt(const MachineRecord& record, machine::Paused paused) {
  CO_TRY(host_.log.step("vmm adopt"));
  auto found = host_.processes.find(record.process.pid);
  if (found == host_.processes.end() || !found->second->running)
    co_return fail(ErrorCode::not_found, "the process has ended");
  if (paused == machine::Paused::resumes) found->second->paused = false;
  co_return std::make_unique<FakeMachine>(runtime_, host_, found->second);
}

}  // namespace banger::test

#include "machine/qemu/qemu_machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "base/text.h"
#include "host/files.h"
#include "machine/console.h"
#include "machine/guest_memory.h"
#include "machine/machine_log.h"
#include "machine/memory_changes.h"
#include "machine/qemu/bounds.h"
#include "machine/qemu/metrics.h"
#include "machine/qemu/qemu.h"
#include "machine/qemu/throttle.h"

namespace banger::machine::qemu {

namespace {

using State = std::shared_ptr<QemuState>;

std::string exit_reason(QemuState& state) {
  auto status = state.process.exit_status();
  if (status && status->signal) return fmt::format("killed by signal {}", status->signal);
  if (!status && state.killed) return "killed by signal 9";
  if (!status) {
    auto error = last_error_line(state.record.directory, state.record.token);
    return error.empty() ? std::string(kUnknownEnd) : error;
  }
  auto words = last_words(state.record.directory, state.record.token);
  return words.empty() ? fmt::format("exit code {}", status->code)
                       : fmt::format("exit code {}: {}", status->code, words);
}

Task<MachineExit> wait_for_exit(State state) {
  co_await state->process.wait_ended(state->runtime);
  // QEMU's last messages are still in the socket.
  if (state->qmp) co_await state->qmp->wait_closed(host::after(limits::kQmpReplyDeadline));
  if (state->ended_as) co_return *state->ended_as;
  auto status = state->process.exit_status();
  const auto& end = state->reports->end;
  bool initiated = end && end->guest_initiated;
  if (!end || (status && status->shell_code() != 0)) co_return MachineExit{initiated, exit_reason(*state)};
  if (end->reason == "guest-reset") co_return end_of_reset(state->record);
  co_return MachineExit{initiated && end->reason != "guest-panic", end->reason};
}

Task<Result<>> kill_and_wait(State state) {
  state->killed = true;
  co_return co_await state->process.kill_and_wait(state->runtime);
}

Task<Result<>> kill_as(State state, MachineExit exit) {
  if (state->process.ended()) co_return Result<>();
  state->ended_as = std::move(exit);
  co_return co_await kill_and_wait(std::move(state));
}

// Sends one command, on a new connection if the last one is lost.
Task<Result<Json>> control(State state, std::string what, std::string command, Json arguments,
                           std::chrono::milliseconds wait, std::span<const UniqueFd> fds = {}) {
  auto lock = co_await state->control.lock();
  if (state->process.ended()) co_return std::unexpected(state->process.gone());
  if (!state->qmp || !state->qmp->connected()) CO_TRY(in(what, co_await connect_control(*state)));
  auto answer = co_await state->qmp->execute(std::move(command), std::move(arguments), host::after(wait), fds);
  if (!answer && state->process.ended()) co_return std::unexpected(state->process.gone());
  co_return in(what, std::move(answer));
}

Task<Result<>> command(State state, std::string what, std::string name, Json arguments = nullptr,
                       std::chrono::milliseconds wait = limits::kQmpReplyDeadline) {
  CO_TRY(co_await control(std::move(state), std::move(what), std::move(name), std::move(arguments), wait));
  co_return Result<>();
}

Result<bool> prepare_files(const MachineRecord& record, const SavedState& to) {
  auto memory = TRY(find_guest_memory(record.process.pid, record.memory_file, record.memory_bytes));
  if (memory.shared) return false;  // the file changes until the machine is paused
  bool few = !to.changes.empty() && TRY(count_changes(memory)) <= limits::kForkChangesBytes;
  TRY(few ? host::share_file(record.memory_file, to.memory) : host::clone_file(record.memory_file, to.memory));
  return host::same_file(record.memory_file, to.memory);
}

Task<Result<bool>> prepare_memory(State state, SavedState to) {
  const auto& record = state->record;
  if (record.memory_file.empty() || record.memory_file == to.memory) co_return false;
  co_return co_await state->runtime.blocking([&record, &to] { return prepare_files(record, to); });
}

// Writes only the pages that differ from the file, or from the copy of prepare_memory(). Without a memory file, writes
// all pages in use.
Result<> save_memory(const MachineRecord& record, const SavedState& to) {
  if (record.memory_file == to.memory) return {};
  auto memory = TRY(find_guest_memory(record.process.pid, record.memory_file, record.memory_bytes));
  if (memory.shared) return host::clone_file(record.memory_file, to.memory);
  if (!record.memory_file.empty() && ::access(to.memory.c_str(), F_OK) < 0)
    TRY(host::clone_file(record.memory_file, to.memory));
  // A hard link: other machines run on this file, so it must not change.
  if (host::same_file(record.memory_file, to.memory))
    TRY(write_changes(memory, to.changes));
  else
    TRY(write_own_pages(memory, to.memory));
  return {};
}

// QEMU's cage lets QEMU make no file, so QEMU gets a descriptor. A set of descriptors has a name in place of a path
// (QEMU's qapi/misc.json, add-fd).
Task<Result<>> save_devices(State state, std::string path) {
  constexpr auto kWhat = "save devices";
  std::array file{CO_TRY(in(kWhat, host::open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600)))};
  auto added = CO_TRY(co_await control(state, kWhat, "add-fd", nullptr, limits::kQmpReplyDeadline, file));
  auto set = CO_TRY(in(kWhat, get_int(added, "fdset-id")));
  // Writes the state without memory into a file. QEMU has no other such command, and nothing in it depends on Xen.
  auto saved =
      co_await command(state, kWhat, "xen-save-devices-state",
                       {{"filename", fmt::format("/dev/fdset/{}", set)}, {"live", false}}, limits::kStateSaveDeadline);
  auto removed = co_await command(state, kWhat, "remove-fd", {{"fdset-id", set}});
  co_return saved ? removed : saved;
}

Task<Result<>> save_machine(State state, SavedState to) {
  CO_TRY(in("save memory", co_await state->runtime.blocking([&] { return save_memory(state->record, to); })));
  co_return co_await save_devices(std::move(state), std::move(to.devices));
}

Task<Result<>> grow_drive(State state, std::size_t index, std::uint64_t size_bytes) {
  Json what = {{"node-name", drive_node(index)}, {"size", size_bytes}};
  co_return co_await command(state, "grow a drive", "block_resize", std::move(what));
}

Task<Result<>> limit_disks(State state, DiskLimits limits) {
  constexpr auto kWhat = "limit the disks";
  auto blocks = CO_TRY(co_await control(state, kWhat, "query-block", nullptr, limits::kQmpReplyDeadline));
  for (auto& each : throttles_of(blocks, limits))
    CO_TRY(co_await command(state, kWhat, std::string(kThrottleCommand), std::move(each)));
  co_return Result<>();
}

Task<Result<MachineMetrics>> read_metrics(State state) {
  if (state->control.held()) co_return fail(ErrorCode::busy, "the machine is busy with another request");
  co_return metrics_of(
      CO_TRY(co_await control(state, "metrics", "query-blockstats", nullptr, limits::kQmpReplyDeadline)));
}

Task<Result<UniqueFd>> connect_link(State state) {
  auto link = connect_now(state->record.directory, kLinkSocket);
  if (!link && state->process.ended()) co_return std::unexpected(state->process.gone());
  co_return in("link", std::move(link));
}

// The failure of the write that stopped the guest. The event was lost if no daemon listened.
Task<std::string> failure_of(State state) {
  if (!state->reports->failure.empty()) co_return state->reports->failure;
  auto blocks = co_await state->qmp->execute("query-block", nullptr, host::after(limits::kQmpReplyDeadline));
  if (blocks && blocks->is_array())
    for (const auto& block : *blocks)
      if (get_string(block, "io-status").value_or("") == "nospace") co_return std::string(::strerror(ENOSPC));
  co_return std::string(::strerror(EIO));
}

// A command of this daemon, a failed write or QEMU itself has stopped the guest. Only the status shows which.
Task<> look_at_status(State state) {
  auto status = co_await control(state, "status", "query-status", nullptr, limits::kQmpReplyDeadline);
  if (status && state->reports->stopped) co_await act_on_status(state, get_string(*status, "status").value_or(""));
}

void status_changed(const State& state) {
  if (state->reports->stopped)
    state->runtime.spawn(look_at_status(state));
  else
    state->paused_because.clear();
}

class QemuMachine : public Machine {
 public:
  explicit QemuMachine(State state) : state_(std::move(state)) {
    state_->reports->changed = [weak = std::weak_ptr(state_)] {
      if (auto alive = weak.lock()) status_changed(alive);
    };
    if (state_->reports->stopped) status_changed(state_);
  }
  const MachineRecord& record() const override { return state_->record; }
  Task<Result<UniqueFd>> open_link() override { return connect_link(state_); }
  Task<Result<>> power_button() override { return command(state_, "power button", "system_powerdown"); }
  Task<Result<>> pause() override { return command(state_, "pause", "stop"); }
  Task<Result<>> resume() override { return command(state_, "resume", "cont"); }
  Task<Result<bool>> prepare_save(const SavedState& to) override { return prepare_memory(state_, to); }
  Task<Result<>> save(const SavedState& to) override { return save_machine(state_, to); }
  Task<Result<>> resize_drive(std::size_t index, std::uint64_t size_bytes) override {
    return grow_drive(state_, index, size_bytes);
  }
  Task<Result<>> limit_disks(const DiskLimits& limits) override { return qemu::limit_disks(state_, limits); }
  std::string paused_because() const override { return state_->paused_because; }
  Task<Result<>> kill() override { return kill_and_wait(state_); }
  Task<Result<>> end_as(MachineExit exit) override { return kill_as(state_, std::move(exit)); }
  Task<MachineExit> wait_exit() override { return wait_for_exit(state_); }
  bool running() const override { return !state_->process.ended(); }
  Result<MachineStats> stats() const override { return state_->process.stats(); }
  Task<Result<MachineMetrics>> metrics() override { return read_metrics(state_); }
  std::uint64_t own_memory_bytes() const override { return state_->process.own_memory_bytes(); }

 private:
  State state_;
};

}  // namespace

Qmp::OnEvent note_events(std::shared_ptr<Reports> reports) {
  return [reports](const QmpEvent& event) {
    auto data = parse_json(event.data, limits::kQmpLineBytes);
    if (!data) return;
    if (event.name == "SHUTDOWN") {
      reports->end = GuestEnd{get_bool(*data, "guest").value_or(false),
                              printable(get_string(*data, "reason").value_or("shutdown"), limits::kQmpWordBytes)};
    } else if (event.name == "BLOCK_IO_ERROR") {
      if (get_string(*data, "action").value_or("") == "stop")
        reports->failure = printable(get_string(*data, "reason").value_or(""), limits::kQmpWordBytes);
    } else if (event.name == "STOP" || event.name == "RESUME") {
      reports->stopped = event.name == "STOP";
      if (reports->changed) reports->changed();
    }
  };
}

Task<Result<>> connect_control(QemuState& state) {
  auto socket = CO_TRY(connect_now(state.record.directory, kQmpSocket));
  state.qmp = CO_TRY(co_await Qmp::open(state.runtime, std::move(socket), note_events(state.reports),
                                        host::after(limits::kQmpReplyDeadline)));
  co_return Result<>();
}

Task<> act_on_status(State state, std::string status) {
  if (status == "io-error") {
    auto failure = co_await failure_of(state);
    state->reports->failure.clear();
    state->paused_because = fmt::format("the host could not write the guest's disk: {}", failure);
  } else if (status == "internal-error" || status == "guest-panicked") {
    auto words = last_error_line(state->record.directory, state->record.token);
    auto reason = status == "guest-panicked" ? std::string("guest-panic") : words.empty() ? status : words;
    (void)co_await kill_as(state, {.guest_initiated = false, .reason = std::move(reason)});
  } else if (status == "shutdown") {
    (void)co_await kill_as(state, {.guest_initiated = true, .reason = "guest-shutdown"});
  }
}

std::unique_ptr<Machine> make_machine(std::shared_ptr<QemuState> state) {
  return std::make_unique<QemuMachine>(std::move(state));
}

}  // namespace banger::machine::qemu

#include "machine/firecracker/firecracker_machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "guestcfg/guest_config.h"
#include "host/files.h"
#include "machine/console.h"
#include "machine/firecracker/api.h"
#include "machine/firecracker/bounds.h"
#include "machine/firecracker/files.h"
#include "machine/firecracker/firecracker.h"
#include "machine/firecracker/jail_client.h"
#include "machine/firecracker/metrics.h"
#include "machine/firecracker/requests.h"
#include "machine/firecracker/vsock.h"
#include "machine/holes.h"
#include "machine/machine_log.h"

namespace banger::machine::firecracker {

namespace {

using namespace std::chrono_literals;
using State = std::shared_ptr<FirecrackerState>;

// The log has the cause. Standard error has only the last consequence: "MicroVMStoppedWithError(GenericError)".
std::string words_of(const FirecrackerState& state) {
  auto words = first_log_error(state.record.directory);
  return words.empty() ? last_words(state.record.directory, state.record.token) : words;
}

std::string failed_exit(const FirecrackerState& state, int code) {
  auto text = name_of_exit(code);
  auto words = words_of(state);
  if (words.empty()) words = last_log_lines(state.record.directory);
  return words.empty() ? text : fmt::format("{}: {}", text, words);
}

// A guest of Firecracker cannot power off. Every end that the guest caused is a reset.
MachineExit exit_of(FirecrackerState& state) {
  auto status = state.process.exit_status();
  if (state.ended_as) return *state.ended_as;
  if (status && status->signal) return {false, fmt::format("killed by signal {}", status->signal)};
  if (status && status->code != 0) return {false, failed_exit(state, status->code)};
  if (state.killed) return {false, "killed by signal 9"};
  if (status || ended_cleanly(state.record.directory)) return end_of_reset(state.record);
  auto words = words_of(state);
  return {false, words.empty() ? std::string(kUnknownEnd) : words};
}

Task<MachineExit> wait_for_exit(State state) {
  co_await state->process.wait_ended(state->runtime);
  co_return exit_of(*state);
}

Task<Result<>> kill_and_wait(State state) {
  state->killed = state->killed || !state->process.ended();
  CO_TRY(co_await state->process.kill_and_wait(state->runtime));
  remove_sockets(state->record.directory);
  co_return Result<>();
}

Task<Result<>> kill_as(State state, MachineExit exit) {
  if (state->process.ended()) co_return Result<>();
  state->ended_as = std::move(exit);
  co_return co_await kill_and_wait(std::move(state));
}

Task<Result<>> command(State state, std::string what, ApiRequest request,
                       std::chrono::milliseconds wait = limits::kFirecrackerReplyDeadline) {
  CO_TRY(co_await control(std::move(state), std::move(what), std::move(request), wait));
  co_return Result<>();
}

Task<Result<>> pause_machine(State state) {
  CO_TRY(co_await command(state, "pause", pause_vm()));
  if (!std::exchange(state->paused, true)) state->saved = false;
  co_return Result<>();
}

// A save resets the guest's end of every connection without notice to the host's end.
void end_link(FirecrackerState& state) {
  if (state.link) (void)::shutdown(state.link.get(), SHUT_RDWR);
  state.link.reset();
}

Task<Result<>> resume_machine(State state) {
  if (state->paused && state->saved) end_link(*state);
  CO_TRY(co_await command(state, "resume", resume_vm()));
  if (state->paused && !state->saved && pauses_break_vsock(state->version))
    state->log.warn("machine.vsock_unsure",
                    {{"pid", fmt::to_string(state->record.process.pid)}, {"version", to_string(state->version)}});
  state->paused = false;
  co_return Result<>();
}

// Refuses a save that could not be continued. The check comes before the pause, because in some versions a pause
// without a save breaks the vsock.
Task<Result<>> check_goes_on(State state) {
  auto version = to_string(state->version);
  if (restores_without_vsock(state->version))
    co_return fail(ErrorCode::unsupported,
                   fmt::format("Firecracker {} cannot connect to a guest that it has restored", version),
                   "install Firecracker 1.16.1 or later");
  if (has_network_overrides(state->version)) co_return Result<>();
  ApiRequest question{"GET", "/vm/config", ""};
  auto answer = CO_TRY(co_await control(state, "save", std::move(question), limits::kFirecrackerReplyDeadline));
  auto config = CO_TRY(in("GET /vm/config", parse_json(answer, limits::kFirecrackerBodyBytes)));
  auto devices = config.find("network-interfaces");
  if (devices != config.end() && !devices->empty())
    co_return fail(ErrorCode::unsupported,
                   fmt::format("Firecracker {} cannot give a saved machine another network device", version),
                   "install Firecracker 1.12 or later");
  co_return Result<>();
}

Task<Result<bool>> prepare(State state) {
  CO_TRY(co_await check_goes_on(state));
  co_return false;
}

Task<Result<>> save_machine(State state, SavedState to) {
  CO_TRY(co_await check_goes_on(state));
  bool jailed = state->record.jailed;
  auto inside = jailed ? SavedState{.devices = std::string(kSavedDevices), .memory = std::string(kSavedMemory)} : to;
  CO_TRY(co_await command(state, "save", create_snapshot(inside), limits::kFirecrackerMemoryDeadline));
  state->saved = true;
  if (jailed) CO_TRY(in("save", move_state_out(state->record.directory, to)));
  for (const auto& file : {to.devices, to.memory})
    if (::chmod(file.c_str(), 0600) < 0) co_return fail_errno(file);
  // Firecracker writes every page, even pages that the guest never used.
  co_return in("save", co_await state->runtime.blocking([&] { return punch_holes(to.memory); }));
}

Result<> grow_file(const std::string& path, std::uint64_t size_bytes) {
  auto file = TRY(host::open_file(path, O_WRONLY));
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(path);
  if (S_ISBLK(info.st_mode)) return {};  // the resource that made the device also sized it
  if (static_cast<std::uint64_t>(info.st_size) >= size_bytes) return {};
  if (::ftruncate(file.get(), static_cast<off_t>(size_bytes)) < 0) return fail_errno(path);
  return {};
}

Task<Result<>> grow_drive(State state, std::size_t index, std::uint64_t size_bytes) {
  CO_TRY(in("grow a drive", grow_file(fmt::format("{}/{}", state->record.directory, drive_name(index)), size_bytes)));
  co_return co_await command(state, "grow a drive", reopen_drive(index));
}

// The links to the drives' files say how many drives there are.
std::size_t count_drives(const std::string& directory) {
  std::size_t count = 0;
  struct stat info{};
  while (::lstat(fmt::format("{}/{}", directory, drive_name(count)).c_str(), &info) == 0) ++count;
  return count;
}

Task<Result<>> limit_disks(State state, DiskLimits limits) {
  for (auto& request : limit_drives(limits, count_drives(state->record.directory)))
    CO_TRY(co_await command(state, "limit the disks", std::move(request)));
  co_return Result<>();
}

// Firecracker does not end when its guest powers off or halts: its processors stop for ever. The guest's kernel prints
// this as its last line, and answers no connection. A guest that only prints the line, and does not answer, ends only
// itself.
Task<Result<>> end_if_halted(State state) {
  if (!co_await state->runtime.blocking([&state] { return has_halted(state->record); })) co_return Result<>();
  state->log.info("machine.halted", {{"pid", fmt::to_string(state->record.process.pid)}});
  CO_TRY(co_await kill_as(state, {true, "guest-shutdown"}));
  co_return std::unexpected(state->process.gone());
}

// A guest that still boots does not listen yet, and Firecracker closes the connection. Try again for a while, then
// leave the decision to the caller.
Task<Result<UniqueFd>> connect_link(State state) {
  auto patience = host::after(limits::kVsockListenDeadline);
  for (;;) {
    auto link = co_await connect_vsock(state->runtime, state->record.directory, guestcfg::kAgentVsockPort,
                                       host::after(limits::kVsockReplyDeadline));
    if (state->process.ended()) co_return std::unexpected(state->process.gone());
    if (link) {
      state->link = UniqueFd(::fcntl(link->get(), F_DUPFD_CLOEXEC, 3));
      co_return std::move(*link);
    }
    auto code = link.error().code;
    bool again = code == ErrorCode::unavailable || code == ErrorCode::timeout || code == ErrorCode::busy;
    if (!again) co_return in("link", std::move(link));
    CO_TRY(co_await end_if_halted(state));
    if (host::Clock::now() >= patience) co_return fail(ErrorCode::timeout, "link: " + link.error().message);
    co_await state->runtime.sleep_for(limits::kVsockListenPoll);
  }
}

Task<Result<MachineMetrics>> read_metrics(State state) {
  auto lock = co_await state->counting.lock();
  const auto& directory = state->record.directory;
  if (!has_metrics(directory)) co_return fail(ErrorCode::unsupported, "the machine was started without metrics");
  if (state->control.held()) co_return fail(ErrorCode::busy, "the machine is busy with another request");
  CO_TRY(co_await command(state, "metrics", action("FlushMetrics")));
  co_return in("metrics", co_await state->runtime.blocking([&directory] { return collect_metrics(directory); }));
}

class FirecrackerMachine : public Machine {
 public:
  explicit FirecrackerMachine(State state) : state_(std::move(state)) {}
  const MachineRecord& record() const override { return state_->record; }
  Task<Result<UniqueFd>> open_link() override { return connect_link(state_); }
  Task<Result<>> power_button() override { return command(state_, "power button", action("SendCtrlAltDel")); }
  bool powers_off() const override { return false; }
  Task<Result<>> pause() override { return pause_machine(state_); }
  Task<Result<>> resume() override { return resume_machine(state_); }
  Task<Result<bool>> prepare_save(const SavedState&) override { return prepare(state_); }
  Task<Result<>> save(const SavedState& to) override { return save_machine(state_, to); }
  Task<Result<>> resize_drive(std::size_t index, std::uint64_t size_bytes) override {
    return grow_drive(state_, index, size_bytes);
  }
  Task<Result<>> limit_disks(const DiskLimits& limits) override { return firecracker::limit_disks(state_, limits); }
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

Task<Result<std::string>> control(State state, std::string what, ApiRequest request, std::chrono::milliseconds wait) {
  auto lock = co_await state->control.lock();
  if (state->process.ended()) co_return std::unexpected(state->process.gone());
  auto answer =
      co_await call(state->runtime, state->record.directory, kApiSocket, std::move(request), host::after(wait));
  if (!answer && state->process.ended()) co_return std::unexpected(state->process.gone());
  co_return in(what, std::move(answer));
}

std::unique_ptr<Machine> make_machine(std::shared_ptr<FirecrackerState> state) {
  return std::make_unique<FirecrackerMachine>(std::move(state));
}

}  // namespace banger::machine::firecracker

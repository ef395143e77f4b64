#include "machine/qemu/qemu_machine.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "machine/machine_log.h"
#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

namespace {

using namespace std::chrono_literals;
using State = std::shared_ptr<QemuState>;

Error gone(const QemuState& state) {
  return {ErrorCode::unavailable, fmt::format("the machine (process {}) has ended", state.record.process.pid)};
}

std::string exit_reason(QemuState& state) {
  auto status = state.process.exit_status();
  if (*state.end && (!status || status->shell_code() == 0)) return (*state.end)->reason;
  if (status && status->signal) return fmt::format("killed by signal {}", status->signal);
  if (!status) return state.killed ? "killed by signal 9" : "ended";  // not our child: the kernel tells only its parent
  auto words = last_words(state.record.directory, state.record.token);
  return words.empty() ? fmt::format("exit code {}", status->code)
                       : fmt::format("exit code {}: {}", status->code, words);
}

Task<> wait_ended(State state) {
  while (!state->process.ended()) {
    auto waited = co_await host::wait_readable(state->runtime, state->process.pidfd());
    // Out of descriptors, which passes: look again later.
    if (!waited) co_await state->runtime.sleep_for(500ms);
  }
}

Task<MachineExit> wait_for_exit(State state) {
  co_await wait_ended(state);
  // What QEMU said last is still in the socket.
  if (state->qmp) co_await state->qmp->wait_closed(host::after(limits::kQmpReplyDeadline));
  co_return MachineExit{.guest_initiated = *state->end && (*state->end)->guest_initiated,
                        .reason = exit_reason(*state)};
}

Task<Result<>> kill_and_wait(State state) {
  state->killed = true;
  CO_TRY(state->process.kill());
  auto ended = CO_TRY(
      co_await host::wait_readable(state->runtime, state->process.pidfd(), host::after(limits::kMachineKillDeadline)));
  if (!ended)
    co_return fail(ErrorCode::timeout,
                   fmt::format("process {} does not go away although it was killed", state->record.process.pid));
  (void)state->process.exit_status();  // reaps it
  co_return Result<>();
}

Task<Result<>> press_power(State state) {
  auto lock = co_await state->control.lock();
  if (state->process.ended()) co_return std::unexpected(gone(*state));
  if (!state->qmp || !state->qmp->connected()) CO_TRY(in("power button", co_await connect_control(*state)));
  CO_TRY(in("power button",
            co_await state->qmp->execute("system_powerdown", nullptr, host::after(limits::kQmpReplyDeadline))));
  co_return Result<>();
}

Task<Result<UniqueFd>> connect_link(State state) {
  auto link = connect_now(state->record.directory, kLinkSocket);
  if (!link && state->process.ended()) co_return std::unexpected(gone(*state));
  co_return in("link", std::move(link));
}

class QemuMachine : public Machine {
 public:
  explicit QemuMachine(State state) : state_(std::move(state)) {}
  const MachineRecord& record() const override { return state_->record; }
  Task<Result<UniqueFd>> open_link() override { return connect_link(state_); }
  Task<Result<>> power_button() override { return press_power(state_); }
  Task<Result<>> kill() override { return kill_and_wait(state_); }
  Task<MachineExit> wait_exit() override { return wait_for_exit(state_); }
  bool running() const override { return !state_->process.ended(); }
  Result<MachineStats> stats() const override { return state_->process.stats(); }

 private:
  State state_;
};

}  // namespace

Qmp::OnEvent note_end(std::shared_ptr<std::optional<GuestEnd>> end) {
  return [end](const QmpEvent& event) {
    if (event.name != "SHUTDOWN") return;
    auto data = parse_json(event.data, limits::kQmpLineBytes);
    if (!data) return;
    GuestEnd said{get_bool(*data, "guest").value_or(false),
                  printable(get_string(*data, "reason").value_or("shutdown"), 60)};
    *end = std::move(said);
  };
}

Task<Result<>> connect_control(QemuState& state) {
  auto socket = CO_TRY(connect_now(state.record.directory, kQmpSocket));
  state.qmp = CO_TRY(co_await Qmp::open(state.runtime, std::move(socket), note_end(state.end),
                                        host::after(limits::kQmpReplyDeadline)));
  co_return Result<>();
}

std::unique_ptr<Machine> make_machine(std::shared_ptr<QemuState> state) {
  return std::make_unique<QemuMachine>(std::move(state));
}

}  // namespace banger::machine::qemu

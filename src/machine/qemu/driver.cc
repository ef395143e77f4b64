#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/files.h"
#include "host/unix_socket.h"
#include "machine/bounds.h"
#include "machine/console.h"
#include "machine/initrd.h"
#include "machine/machine_log.h"
#include "machine/memory_changes.h"
#include "machine/qemu/bounds.h"
#include "machine/qemu/cage.h"
#include "machine/qemu/qemu.h"
#include "machine/qemu/qemu_machine.h"
#include "machine/qemu/state_gate.h"
#include "machine/qemu/throttle.h"

namespace banger::machine::qemu {

namespace {

using namespace std::chrono_literals;

// Listening sockets that QEMU inherits. The driver connects before QEMU runs, so it need not poll: the greeting arrives
// when QEMU is ready, and the socket ends when QEMU dies.
struct Channels {
  UniqueFd qmp_listener, link_listener, state, control;
  std::optional<StateGate> gate;  ///< before `state`
};

Result<Channels> open_channels(const MachineConfig& config) {
  Channels channels;
  const auto& directory = config.directory;
  if (config.restore && (config.restore->whole || !config.restore->changes.empty())) {
    channels.gate = TRY(StateGate::make());
    channels.state = channels.gate->take_reader();
  } else if (config.restore) {
    channels.state = TRY(host::open_file(config.restore->devices, O_RDONLY));
  }
  for (auto [name, listener] :
       {std::pair{kQmpSocket, &channels.qmp_listener}, {kLinkSocket, &channels.link_listener}}) {
    auto path = fmt::format("{}/{}", directory, name);
    TRY(host::remove_file(path));
    *listener = TRY(host::listen_unix(path, 4));
  }
  channels.control = TRY(connect_now(directory, kQmpSocket));
  return channels;
}

// Makes files before QEMU does, so that other users cannot read them under any umask.
Result<> make_files(const MachineConfig& config) {
  if (config.console)
    TRY(host::open_file(fmt::format("{}/{}", config.directory, kConsoleLog), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
                        0600));
  if (config.restore) return {};
  if (!config.memory_file.empty()) {
    TRY(host::remove_file(config.memory_file));
    TRY(host::make_sparse_file(config.memory_file, config.memory_bytes));
  }
  return write_initrd(config.initrds, fmt::format("{}/{}", config.directory, kInitrdFile));
}

Result<host::Child> spawn_detached(std::vector<std::string> argv, const MachineConfig& config, const Channels& channels,
                                   const Cage& cage) {
  auto log = TRY(open_machine_log(config.directory, config.token));
  host::SpawnSpec spec{.argv = std::move(argv), .env = {"LC_ALL=C"}, .cwd = config.directory};
  spec.stdout_fd = spec.stderr_fd = log.get();
  spec.extra_fds = {{channels.qmp_listener.get(), kQmpFd}, {channels.link_listener.get(), kLinkFd}};
  if (channels.state) spec.extra_fds.emplace_back(channels.state.get(), kStateFd);
  for (std::size_t i = 0; i < config.taps.size(); ++i) {
    if (!config.taps[i].fd)
      return fail(ErrorCode::internal, fmt::format("tap '{}' has no descriptor", config.taps[i].device));
    spec.extra_fds.emplace_back(config.taps[i].fd->get(), kFirstTapFd + static_cast<int>(i));
  }
  spec.new_session = true;
  spec.namespaces = config.network.get();
  if (config.cgroup) spec.cgroup_fd = config.cgroup->get();
  // A clone uses little of its large memory. Huge pages of translated code (TCG) made an idle clone a third larger.
  spec.small_pages = config.restore.has_value();
  spec.readable_by_owner = true;  // for saving the machine, also from a later daemon
  cage.confine(spec);
  return host::spawn(spec);
}

// The error of a failed start, with QEMU's own words if there are any. The process has ended afterwards.
Task<Error> failed_start(host::Runtime& runtime, host::Child& child, const MachineConfig& config, Error error) {
  // A QEMU that dies closes its socket a moment before its end. A QEMU that sends malformed messages stays alive.
  auto grace = error.code == ErrorCode::unavailable ? limits::kVmmDyingGrace : 0ms;
  bool died = (co_await host::wait_readable(runtime, child.pidfd(), host::after(grace))).value_or(false);
  if (!died) (void)child.signal(SIGKILL);
  auto status = child.wait();
  auto words = last_words(config.directory, config.token);
  if (!died) co_return Error{error.code, words.empty() ? error.message : fmt::format("{}: {}", error.message, words)};
  auto how =
      status.signal ? fmt::format("killed by signal {}", status.signal) : fmt::format("exit code {}", status.code);
  co_return Error{ErrorCode::unavailable,
                  fmt::format("it ended at once ({}): {}", how, words.empty() ? "it printed nothing" : words)};
}

// QEMU maps its memory long before it answers. An error means that QEMU did not map it in time, or has ended.
Result<GuestMemory> wait_for_memory(pid_t pid, int pidfd, const MachineConfig& config) {
  auto deadline = host::after(limits::kQmpGreetingDeadline);
  for (;;) {
    auto memory = find_guest_memory(pid, config.restore->memory, config.memory_bytes);
    if (memory || memory.error().code != ErrorCode::not_found || host::Clock::now() >= deadline) return memory;
    pollfd ended{pidfd, POLLIN, 0};
    if (::poll(&ended, 1, static_cast<int>(limits::kMappingPoll.count())) > 0)
      return fail(ErrorCode::unavailable, "QEMU ended before it had mapped its memory");
  }
}

// The devices' state refers to the content of the memory, so the memory comes first.
Result<> feed_state(pid_t pid, int pidfd, const MachineConfig& config, StateGate& gate) {
  const auto& state = *config.restore;
  if (!state.changes.empty()) TRY(apply_changes(TRY(wait_for_memory(pid, pidfd, config)), state.changes));
  return gate.open(state.devices);
}

Task<Result<>> open_gate(host::Runtime& runtime, const host::Child& child, const MachineConfig& config,
                         StateGate& gate) {
  if (config.restore->whole) CO_TRY(co_await config.restore->whole());
  co_return co_await runtime.blocking([&] { return feed_state(child.pid(), child.pidfd(), config, gate); });
}

// Before the guest runs, so that it is never faster.
Task<Result<>> limit_disks(Qmp& qmp, DiskLimits limits, host::Deadline deadline) {
  if (limits == DiskLimits{}) co_return Result<>();
  for (auto& each : throttles_of(CO_TRY(co_await qmp.execute("query-block", nullptr, deadline)), limits))
    CO_TRY(in("limit the disks", co_await qmp.execute(std::string(kThrottleCommand), std::move(each), deadline)));
  co_return Result<>();
}

// Starts the guest. A restored QEMU loads its state first, and ends if that fails. A guest that boots may have ended
// before a question could reach it, so its QEMU is not asked.
Task<Result<>> resume_guest(host::Runtime& runtime, Qmp& qmp, bool restored, host::Deadline deadline) {
  CO_TRY(co_await qmp.execute("cont", nullptr, deadline));
  if (!restored) co_return Result<>();
  for (;;) {
    auto status = CO_TRY(co_await qmp.execute("query-status", nullptr, deadline));
    if (CO_TRY(get_string(status, "status")) != "inmigrate") co_return Result<>();
    if (host::Clock::now() >= deadline) co_return fail(ErrorCode::timeout, "QEMU did not load the saved state in time");
    co_await runtime.sleep_for(limits::kResumePoll);
  }
}

class QemuDriver : public Driver {
 public:
  QemuDriver(host::Runtime& runtime, const Logger& log, QemuFacts facts, std::string accelerator)
      : runtime_(runtime), log_(log), facts_(std::move(facts)), accelerator_(std::move(accelerator)) {}

  std::string_view name() const override { return "qemu"; }
  Task<Result<std::unique_ptr<Machine>>> start(const MachineConfig& config, const StartObserver& observer) override;
  Task<Result<std::unique_ptr<Machine>>> adopt(const MachineRecord& record, Paused paused) override;
  MachineRecord planned(const MachineConfig& config) const override;
  std::string build_key() const override { return key_of_build(facts_, accelerator_); }

 private:
  Task<Result<std::unique_ptr<Machine>>> try_start(const MachineConfig& config, const StartObserver& observer);
  Result<MachineRecord> record_of(const host::Child& child, const MachineConfig& config) const;
  Task<std::uint64_t> tsc_khz();

  host::Runtime& runtime_;
  const Logger& log_;
  QemuFacts facts_;
  std::string accelerator_;
  std::uint64_t tsc_khz_ = 0;  // measured at the first start
};

Task<std::uint64_t> QemuDriver::tsc_khz() {
  if (tsc_khz_ == 0 && accelerator_ != "kvm") tsc_khz_ = co_await runtime_.blocking([] { return host_tsc_khz(); });
  co_return tsc_khz_;
}

MachineRecord QemuDriver::planned(const MachineConfig& config) const {
  return {.driver = "qemu",
          .accelerator = accelerator_,
          .version = facts_.version,
          .process = {},
          .token = config.token,
          .directory = config.directory,
          .memory_file = config.restore ? config.restore->memory : config.memory_file,
          .memory_bytes = config.memory_bytes,
          .reason = config.reason,
          .console_from = console_size(config.directory)};
}

Result<MachineRecord> QemuDriver::record_of(const host::Child& child, const MachineConfig& config) const {
  auto record = planned(config);
  record.process = TRY(host::process_id(child.pid()));
  return record;
}

Task<Result<std::unique_ptr<Machine>>> QemuDriver::try_start(const MachineConfig& config,
                                                             const StartObserver& observer) {
  auto cage = CO_TRY(co_await runtime_.blocking([this, &config]() -> Result<Cage> {
    TRY(make_files(config));
    return Cage::make(facts_, accelerator_, config);
  }));
  auto argv = command_line(facts_, accelerator_, config, co_await tsc_khz());
  auto channels = CO_TRY(open_channels(config));
  auto begun = host::Clock::now();
  auto child = CO_TRY(spawn_detached(std::move(argv), config, channels, cage));
  // Close our copies, or the control connection would not end with QEMU.
  channels.qmp_listener.reset();
  channels.link_listener.reset();
  channels.state.reset();

  auto record = record_of(child, config);
  if (!record) co_return std::unexpected(co_await failed_start(runtime_, child, config, std::move(record).error()));
  if (observer.started) CO_TRY(observer.started(*record));

  if (channels.gate) {
    auto opened = co_await open_gate(runtime_, child, config, *channels.gate);
    if (!opened) co_return std::unexpected(co_await failed_start(runtime_, child, config, std::move(opened).error()));
  }
  auto reports = std::make_shared<Reports>();
  auto ready_by = host::after(limits::kQmpGreetingDeadline);
  auto qmp = co_await Qmp::open(runtime_, std::move(channels.control), note_events(reports), ready_by);
  auto running = qmp ? co_await limit_disks(**qmp, config.disk_limits, ready_by) : std::unexpected(qmp.error());
  if (running) running = co_await resume_guest(runtime_, **qmp, config.restore.has_value(), ready_by);
  if (!running) co_return std::unexpected(co_await failed_start(runtime_, child, config, std::move(running).error()));
  auto id = record->process;
  auto state = std::make_shared<QemuState>(runtime_, std::move(*record), VmmProcess(std::move(child), id));
  state->qmp = std::move(*qmp);
  state->reports = std::move(reports);
  auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(host::Clock::now() - begun);
  log_.info("machine.started", {{"vm", config.id},
                                {"pid", fmt::to_string(id.pid)},
                                {"accelerator", accelerator_},
                                {"control_ms", fmt::to_string(taken.count())}});
  co_return make_machine(std::move(state));
}

Task<Result<std::unique_ptr<Machine>>> QemuDriver::start(const MachineConfig& config, const StartObserver& observer) {
  auto machine = co_await try_start(config, observer);
  if (machine) co_return machine;
  // A killed QEMU leaves its sockets behind. Remove them.
  for (auto name : {kQmpSocket, kLinkSocket}) (void)host::remove_file(fmt::format("{}/{}", config.directory, name));
  co_return in("start QEMU", std::move(machine));
}

// A daemon that died while it started or saved this machine left the machine paused. QEMU may also have stopped the
// guest while no daemon listened.
Task<Result<>> take_control(std::shared_ptr<QemuState> state, Paused paused) {
  CO_TRY(co_await connect_control(*state));
  auto deadline = host::after(limits::kQmpReplyDeadline);
  auto status = CO_TRY(co_await state->qmp->execute("query-status", nullptr, deadline));
  auto now = CO_TRY(get_string(status, "status"));
  for (std::string_view waiting : {"prelaunch", "inmigrate", "paused", "save-vm"})
    if (now == waiting && paused == Paused::resumes)
      co_return co_await resume_guest(state->runtime, *state->qmp, now == "inmigrate", deadline);
  if (now != "running") co_await act_on_status(state, now);
  co_return Result<>();
}

Task<Result<std::unique_ptr<Machine>>> QemuDriver::adopt(const MachineRecord& record, Paused paused) {
  auto process = CO_TRY(in("adopt machine", VmmProcess::adopt(record)));
  auto state = std::make_shared<QemuState>(runtime_, record, std::move(process));
  // Without its control socket a machine can still be used, waited for and killed. So this error does not end the
  // machine.
  auto control = co_await take_control(state, paused);
  if (!control)
    log_.warn("machine.control_lost",
              {{"pid", fmt::to_string(record.process.pid)}, {"error", control.error().sentence()}});
  // A machine that was ended here reports its end with wait_exit().
  if (state->process.ended() && !state->ended_as)
    co_return fail(ErrorCode::not_found, fmt::format("process {} has ended", record.process.pid));
  co_return make_machine(std::move(state));
}

}  // namespace

std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, QemuFacts qemu,
                                    std::string accelerator) {
  return std::make_unique<QemuDriver>(runtime, log, std::move(qemu), std::move(accelerator));
}

}  // namespace banger::machine::qemu

#include <fcntl.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"
#include "machine/console.h"
#include "machine/firecracker/api.h"
#include "machine/firecracker/bounds.h"
#include "machine/firecracker/files.h"
#include "machine/firecracker/firecracker.h"
#include "machine/firecracker/firecracker_machine.h"
#include "machine/firecracker/jail_client.h"
#include "machine/firecracker/requests.h"
#include "machine/machine_log.h"

namespace banger::machine::firecracker {

namespace {

using namespace std::chrono_literals;

struct Logs {
  UniqueFd console, errors;
};

// The serial console is Firecracker's standard output, opened for appending. A file that Firecracker opens itself (PUT
// /serial, since 1.14) is written from the beginning, over the console of the previous start.
Result<Logs> open_logs(const MachineConfig& config) {
  Logs logs{.console = {}, .errors = TRY(open_machine_log(config.directory, config.token))};
  auto path = fmt::format("{}/{}", config.directory, kConsoleLog);
  if (config.console) logs.console = TRY(host::open_file(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600));
  return logs;
}

Result<host::Child> spawn_detached(std::vector<std::string> argv, const MachineConfig& config) {
  auto logs = TRY(open_logs(config));
  host::SpawnSpec spec{.argv = std::move(argv), .env = {"LC_ALL=C"}, .cwd = config.directory};
  if (logs.console) spec.stdout_fd = logs.console.get();
  spec.stderr_fd = logs.errors.get();
  spec.new_session = true;
  spec.namespaces = config.network.get();
  if (config.cgroup) spec.cgroup_fd = config.cgroup->get();
  spec.small_pages = config.restore.has_value();
  confine_vmm(spec);
  return host::spawn(spec);
}

// Kills the process if it runs, and waits until it has ended.
Task<std::optional<host::ExitStatus>> end(host::Runtime& runtime, VmmProcess& process) {
  if (!process.ended()) (void)process.kill();
  (void)co_await host::wait_readable(runtime, process.pidfd(), host::after(limits::kMachineKillDeadline));
  co_return process.exit_status();
}

// The error of a failed start, with Firecracker's own words if there are any. The process has ended afterwards.
Task<Error> failed_start(host::Runtime& runtime, VmmProcess& process, const MachineConfig& config, Error error) {
  // A Firecracker that ends itself, as after a saved state that does not load, answers a moment before its end.
  auto grace = error.code == ErrorCode::unavailable ? limits::kVmmDyingGrace : 0ms;
  bool died = (co_await host::wait_readable(runtime, process.pidfd(), host::after(grace))).value_or(false);
  // The kernel reports the status of a jailed process only to its parent, which is not this daemon.
  auto status = co_await end(runtime, process);
  auto words = last_words(config.directory, config.token);
  if (words.empty()) words = last_log_lines(config.directory);
  auto message = error.message;
  if (died && !status)
    message += "; it ended";
  else if (died)
    message += fmt::format("; it ended ({})", status->signal ? fmt::format("killed by signal {}", status->signal)
                                                             : name_of_exit(status->code));
  if (!words.empty()) message += fmt::format(": {}", words);
  co_return Error{error.code, std::move(message), 0, error.hint};
}

// Asks for the version until the API answers. An answer proves that everything before the first request went well.
Task<Result<Version>> wait_until_up(host::Runtime& runtime, const VmmProcess& process, const std::string& directory,
                                    host::Deadline deadline) {
  for (;;) {
    ApiRequest question{"GET", "/version", ""};
    auto answer = co_await call(runtime, directory, kApiSocket, std::move(question), deadline);
    if (answer) {
      auto json = CO_TRY(in("GET /version", parse_json(*answer, limits::kFirecrackerBodyBytes)));
      auto version = find_version(CO_TRY(in("GET /version", get_string(json, "firecracker_version"))));
      if (!version) co_return fail(ErrorCode::invalid, "Firecracker's answer has no version");
      co_return *version;
    }
    // The socket is missing, or bound and not listening yet.
    bool early = answer.error().code == ErrorCode::not_found || answer.error().code == ErrorCode::unavailable;
    if (!early) co_return std::unexpected(std::move(answer).error());
    if (process.ended()) co_return fail(ErrorCode::unavailable, "its API did not come up");
    if (host::Clock::now() >= deadline) co_return fail(ErrorCode::timeout, "its API did not come up in time");
    co_await runtime.sleep_for(limits::kFirecrackerUpPoll);
  }
}

Task<Result<>> ask_all(host::Runtime& runtime, std::string directory, std::vector<ApiRequest> requests) {
  for (auto& request : requests)
    CO_TRY(co_await call(runtime, directory, kApiSocket, std::move(request),
                         host::after(limits::kFirecrackerReplyDeadline)));
  co_return Result<>();
}

class FirecrackerDriver : public Driver {
 public:
  FirecrackerDriver(host::Runtime& runtime, const Logger& log, FirecrackerFacts facts)
      : runtime_(runtime), log_(log), facts_(std::move(facts)) {}

  std::string_view name() const override { return "firecracker"; }
  Task<Result<std::unique_ptr<Machine>>> start(const MachineConfig& config, const StartObserver& observer) override;
  Task<Result<std::unique_ptr<Machine>>> adopt(const MachineRecord& record, Paused paused) override;
  MachineRecord planned(const MachineConfig& config) const override;
  std::string build_key() const override { return key_of_build(facts_); }
  bool inherits_taps() const override { return false; }

 private:
  Task<Result<std::unique_ptr<Machine>>> try_start(const MachineConfig& config, const StartObserver& observer);
  Task<Result<VmmProcess>> launch(const MachineConfig& config, MachineRecord& record);
  Task<Result<Version>> bring_up(const VmmProcess& process, const MachineConfig& config, const std::vector<Tap>& taps);

  host::Runtime& runtime_;
  const Logger& log_;
  FirecrackerFacts facts_;
};

MachineRecord FirecrackerDriver::planned(const MachineConfig& config) const {
  // The memory of a guest that boots is in no file. A save writes the whole memory.
  return {.driver = "firecracker",
          .accelerator = "kvm",
          .version = to_string(facts_.version),
          .process = {},
          .token = config.token,
          .directory = config.directory,
          .memory_file = config.restore ? config.restore->memory : "",
          .memory_bytes = config.memory_bytes,
          .reason = config.reason,
          .jailed = config.jailer != nullptr,
          .console_from = console_size(config.directory)};
}

// Adds the process to the record.
Task<Result<VmmProcess>> FirecrackerDriver::launch(const MachineConfig& config, MachineRecord& record) {
  if (!config.jailer) {
    auto child = CO_TRY(spawn_detached(command_line(facts_.binary, config), config));
    record.process = CO_TRY(host::process_id(child.pid()));
    co_return VmmProcess(std::move(child), record.process);
  }
  CO_TRY(link_sockets(config.directory));
  CO_TRY(open_logs(config));
  auto start = jailed_start(config);
  auto started = in("jail", co_await config.jailer->start(std::move(start)));
  // The messages of the jailer and of Firecracker are in the log of this start.
  if (auto words = last_words(config.directory, config.token); !started && !words.empty())
    started.error().message += ": " + words;
  auto process = CO_TRY(std::move(started));
  record.process = process.id;
  co_return VmmProcess(std::move(process.pidfd), process.id);
}

// Turns a new process into a running guest.
Task<Result<Version>> FirecrackerDriver::bring_up(const VmmProcess& process, const MachineConfig& config,
                                                  const std::vector<Tap>& taps) {
  auto version =
      CO_TRY(co_await wait_until_up(runtime_, process, config.directory, host::after(limits::kFirecrackerUpDeadline)));
  auto inside = config.jailer ? in_jail(config) : config;
  if (!config.restore) {
    CO_TRY(co_await ask_all(runtime_, config.directory, boot_requests(inside, taps, version)));
    co_return version;
  }
  auto requests = CO_TRY(restore_requests(inside, taps, version));
  CO_TRY(in("load the saved state", co_await ask_all(runtime_, config.directory, std::move(requests))));
  std::vector<ApiRequest> resume = {resume_vm()};
  CO_TRY(co_await ask_all(runtime_, config.directory, std::move(resume)));
  co_return version;
}

Task<Result<std::unique_ptr<Machine>>> FirecrackerDriver::try_start(const MachineConfig& config,
                                                                    const StartObserver& observer) {
  CO_TRY(check(config));
  auto taps = CO_TRY(taps_of(config));
  if (config.jailer) CO_TRY(co_await config.jailer->check(facts_.binary));
  CO_TRY(co_await runtime_.blocking([&config] { return prepare_files(config); }));
  auto begun = host::Clock::now();
  auto record = planned(config);
  auto process = CO_TRY(co_await launch(config, record));
  auto id = record.process;
  auto accepted = observer.started ? observer.started(record) : Result<>();
  if (!accepted) {
    (void)co_await end(runtime_, process);
    co_return std::unexpected(std::move(accepted).error());
  }

  auto version = co_await bring_up(process, config, taps);
  if (!version) co_return std::unexpected(co_await failed_start(runtime_, process, config, std::move(version).error()));
  auto state = std::make_shared<FirecrackerState>(runtime_, log_, std::move(record), *version, std::move(process));
  auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(host::Clock::now() - begun);
  log_.info("machine.started", {{"vm", config.id},
                                {"pid", fmt::to_string(id.pid)},
                                {"accelerator", "kvm"},
                                {"version", to_string(*version)},
                                {"control_ms", fmt::to_string(taken.count())}});
  co_return make_machine(std::move(state));
}

Task<Result<std::unique_ptr<Machine>>> FirecrackerDriver::start(const MachineConfig& config,
                                                                const StartObserver& observer) {
  auto machine = co_await try_start(config, observer);
  if (machine) co_return machine;
  remove_sockets(config.directory);
  co_return in("start Firecracker", std::move(machine));
}

// The state of GET /: "Not started", "Running" or "Paused".
Task<Result<std::string>> ask_state(std::shared_ptr<FirecrackerState> state) {
  ApiRequest question{"GET", "/", ""};
  auto answer =
      CO_TRY(co_await control(state, "adopt machine", std::move(question), limits::kFirecrackerReplyDeadline));
  auto json = CO_TRY(parse_json(answer, limits::kFirecrackerBodyBytes));
  co_return get_string(json, "state");
}

// A daemon that died during a save of this machine left it paused. False: its guest was never started.
Task<Result<bool>> settle_state(std::shared_ptr<FirecrackerState> state, Paused paused) {
  auto now = CO_TRY(co_await ask_state(state));
  if (now == "Not started") co_return false;
  state->paused = now == "Paused";
  if (!state->paused || paused == Paused::stays) co_return true;
  CO_TRY(co_await control(state, "resume", resume_vm(), limits::kFirecrackerReplyDeadline));
  state->paused = false;
  co_return true;
}

Task<Result<std::unique_ptr<Machine>>> FirecrackerDriver::adopt(const MachineRecord& record, Paused paused) {
  auto process = CO_TRY(in("adopt machine", VmmProcess::adopt(record)));
  auto version = find_version(record.version).value_or(facts_.version);
  auto state = std::make_shared<FirecrackerState>(runtime_, log_, record, version, std::move(process));
  auto machine = make_machine(state);
  auto started = co_await settle_state(state, paused);
  // A start that was interrupted before its guest ran has nothing that could continue.
  if (started && !*started) {
    CO_TRY(co_await machine->kill());
    co_return fail(ErrorCode::cancelled, fmt::format("the guest of process {} was never started", record.process.pid));
  }
  // Without its API a machine can still be used, waited for and killed. So this error does not end the machine.
  if (!started)
    log_.warn("machine.control_lost",
              {{"pid", fmt::to_string(record.process.pid)}, {"error", started.error().sentence()}});
  if (state->process.ended())
    co_return fail(ErrorCode::not_found, fmt::format("process {} has ended", record.process.pid));
  co_return machine;
}

}  // namespace

std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, FirecrackerFacts facts) {
  return std::make_unique<FirecrackerDriver>(runtime, log, std::move(facts));
}

}  // namespace banger::machine::firecracker

#include "roles/agent/shutdown_plan.h"

#include <signal.h>

#include <charconv>
#include <cstdint>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

using Commands = std::vector<std::vector<std::string>>;

// systemd counts from glibc's SIGRTMIN, which is 34 to the kernel.
constexpr int kRealTimeMin = 34;
constexpr const char* kInitStatus = "/proc/1/status";

// A line of /proc/PID/status: the name, a colon, white space and a mask in hex. Bit 0 is signal 1.
std::uint64_t signal_mask(std::string_view status, std::string_view name) {
  std::uint64_t mask = 0;
  auto at = status.find(name);
  if (at == status.npos) return 0;
  auto text = trim(status.substr(at + name.size(), status.find('\n', at + 1) - at - name.size()));
  std::from_chars(text.data(), text.data() + text.size(), mask, 16);
  return mask;
}

}  // namespace

bool reacts_to(std::string_view status, int signal) {
  auto mask = signal_mask(status, "\nSigCgt:") | signal_mask(status, "\nSigBlk:");
  return mask >> (signal - 1) & 1;
}

Task<> wait_until_reacts(host::Runtime& runtime, std::string status_path, int signal, host::Deadline deadline) {
  while (host::Clock::now() < deadline) {
    auto status = host::read_file(status_path, limits::kProcFileBytes);
    if (!status || reacts_to(*status, signal)) co_return;
    co_await runtime.sleep_for(limits::kInitPoll);
  }
}

ShutdownPlan plan_shutdown(InitKind init, ShutdownMode mode) {
  bool off = mode == ShutdownMode::poweroff;
  std::vector<std::string> tool{off ? "poweroff" : "reboot"};
  switch (init) {
    case InitKind::systemd:
      return {.signal = kRealTimeMin + (off ? 4 : 5)};
    case InitKind::busybox:
      return {.signal = off ? SIGUSR2 : SIGTERM};
    // openrc-shutdown works only with openrc-init. Under another PID 1 it fails, and the tool of that PID 1 is next.
    case InitKind::openrc:
      return {Commands{{"openrc-shutdown", off ? "-p" : "-r", "now"}, tool}, off ? SIGUSR2 : SIGTERM};
    // Debian has runit-init in no directory of PATH, and its poweroff does nothing.
    case InitKind::runit:
      return {Commands{{"runit-init", off ? "0" : "6"}, {"/sbin/init", off ? "0" : "6"}, tool}, 0};
    // banger's own small init, which has the signals of busybox.
    case InitKind::none:
      return {.signal = off ? SIGUSR2 : SIGTERM};
    case InitKind::other:
      return {Commands{tool}, SIGTERM};
  }
  return {};
}

Task<Result<>> carry_out(host::Runtime& runtime, ShutdownPlan plan) {
  Error last{ErrorCode::unsupported, "this guest's init cannot be asked to shut down", 0, "stop the VM by force"};
  for (const auto& command : plan.commands) {
    host::SpawnSpec spawn{.argv = command,
                          .env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                          .cwd = "/",
                          .new_session = true};
    auto output =
        co_await host::run_command(runtime, std::move(spawn), host::after(limits::kShutdownCommandDeadline), 4096);
    if (output && output->status.shell_code() == 0) co_return Result<>();
    last = output ? Error{ErrorCode::internal, command[0] + " failed: " + output->err} : output.error();
  }
  if (plan.signal == 0) co_return std::unexpected(last);
  auto status = host::read_file(kInitStatus, limits::kProcFileBytes).value_or("");
  if (::kill(1, plan.signal) < 0) co_return fail_errno("signal PID 1");
  if (reacts_to(status, plan.signal)) co_return Result<>();
  // The signal is lost if init is still starting. An init in sigwait(3) has it, and shows no mask; it gets another one.
  co_await wait_until_reacts(runtime, kInitStatus, plan.signal, host::after(limits::kInitDeadline));
  (void)::kill(1, plan.signal);
  co_return Result<>();
}

}  // namespace banger::roles::agent

#include "roles/agent/shutdown_plan.h"

#include <signal.h>

#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

using Commands = std::vector<std::vector<std::string>>;

// systemd counts from glibc's SIGRTMIN, which is 34 to the kernel.
constexpr int kRealTimeMin = 34;

}  // namespace

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
    case InitKind::runit:
      return {Commands{{"runit-init", off ? "0" : "6"}, tool}, 0};
    // banger's own small init can only power off. The host then starts the machine again. Many other inits do the same.
    case InitKind::other:
    case InitKind::none:
      return {.signal = SIGTERM};
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
  if (::kill(1, plan.signal) < 0) co_return fail_errno("signal PID 1");
  co_return Result<>();
}

}  // namespace banger::roles::agent

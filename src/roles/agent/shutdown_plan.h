// The command or signal with which each init shuts the guest down.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/runtime.h"
#include "roles/agent/run_dir.h"

namespace banger::roles::agent {

enum class ShutdownMode { poweroff, reboot };

/// Commands are tried in order until one succeeds. If all fail, PID 1 gets `signal` (0: no signal), and once more
/// when it begins to react to that signal.
struct ShutdownPlan {
  std::vector<std::vector<std::string>> commands;
  int signal = 0;
};

/// Sources: systemd(1) signals, busybox init/halt.c, openrc-shutdown(8), runit-init(8); banger's own: init/.
ShutdownPlan plan_shutdown(InitKind init, ShutdownMode mode);

/// Whether the process with this /proc/PID/status catches the signal, or has blocked it to read it later. The kernel
/// drops other signals to PID 1, except while PID 1 waits for them in sigwait(3).
bool reacts_to(std::string_view status, int signal);
/// Waits until the process with that status file reacts to the signal, or until the deadline.
Task<> wait_until_reacts(host::Runtime& runtime, std::string status_path, int signal, host::Deadline deadline);

/// Runs the plan. Returns before the guest is down.
Task<Result<>> carry_out(host::Runtime& runtime, ShutdownPlan plan);

}  // namespace banger::roles::agent

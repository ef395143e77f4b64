// The command or signal with which each init shuts the guest down.
#pragma once

#include <string>
#include <vector>

#include "host/runtime.h"
#include "roles/agent/run_dir.h"

namespace banger::roles::agent {

enum class ShutdownMode { poweroff, reboot };

/// Commands are tried in order until one succeeds. If all fail, PID 1 gets `signal` (0: no signal).
struct ShutdownPlan {
  std::vector<std::vector<std::string>> commands;
  int signal = 0;
};

/// Sources: systemd(1) signals, busybox init/halt.c, openrc-shutdown(8), runit-init(8); banger's own: init/.
ShutdownPlan plan_shutdown(InitKind init, ShutdownMode mode);

/// Runs the plan. Returns before the guest is down.
Task<Result<>> carry_out(host::Runtime& runtime, ShutdownPlan plan);

}  // namespace banger::roles::agent

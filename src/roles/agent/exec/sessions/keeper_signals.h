// Signals of a keeper: those that it gets, and those that it sends to its command.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::agent {

struct SignalTarget {
  pid_t leader;  ///< of the command's process group; not reaped yet
  int terminal;  ///< the master, or -1
  int cgroup;    ///< the directory of the command's cgroup, or -1
};

/// A signal reaches the foreground of a terminal. One that ends or continues processes also reaches the command, and
/// SIGKILL reaches every process of the cgroup. A number that is no signal is dropped.
void signal_command(const SignalTarget& target, int number);

/// Blocks SIGTERM and SIGHUP in this process. They arrive at the descriptor (signalfd(2)).
Result<UniqueFd> watch_end_signals();
/// Takes the signals that have arrived. True if there were any.
bool take_signals(int signal_fd);

}  // namespace banger::roles::agent

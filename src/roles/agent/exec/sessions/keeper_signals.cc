#include "roles/agent/exec/sessions/keeper_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "host/files.h"
#include "roles/agent/exec/process_group.h"

namespace banger::roles::agent {

namespace {

bool is_for_all(int number) { return number == SIGKILL || number == SIGTERM || number == SIGHUP || number == SIGCONT; }

// Linux before 5.14 has no such file. Then only the process groups get the signal.
void kill_cgroup(int cgroup) {
  UniqueFd file(::openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC));
  if (file) (void)host::write_all(file.get(), "1");
}

}  // namespace

void signal_command(const SignalTarget& target, int number) {
  if (number < 1 || number > SIGRTMAX) return;
  if (number == SIGKILL && target.cgroup >= 0) kill_cgroup(target.cgroup);
  pid_t foreground = target.terminal >= 0 ? ::tcgetpgrp(target.terminal) : 0;
  bool elsewhere = foreground > 1 && foreground != target.leader;
  if (elsewhere) signal_group(foreground, number);
  if (is_for_all(number) || !elsewhere) signal_group(target.leader, number);
}

Result<UniqueFd> watch_end_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int number : {SIGTERM, SIGHUP}) ::sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("watch signals");
  return fd;
}

bool take_signals(int signal_fd) {
  bool any = false;
  for (signalfd_siginfo info; ::read(signal_fd, &info, sizeof info) == sizeof info;) any = true;
  return any;
}

}  // namespace banger::roles::agent

// Process 1 of an image without an init. It reaps orphaned processes. It powers off or reboots cleanly on each of the
// signals with which common inits do so.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/init/boot.h"
#include "roles/agent/init/unmount.h"

namespace banger::roles::agent::init {

namespace {

// A reboot is asked for by busybox's SIGTERM, ctrl-alt-del's SIGINT or systemd's SIGRTMIN+5.
bool is_reboot(int number) { return number == SIGTERM || number == SIGINT || number == SIGRTMIN + 5; }

// The others are for a power-off: busybox's SIGUSR1 and SIGUSR2, systemd's SIGRTMIN+3 and +4, sysvinit's SIGPWR.
std::vector<int> end_signals() {
  return {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGPWR, SIGRTMIN + 3, SIGRTMIN + 4, SIGRTMIN + 5};
}

sigset_t watched_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  for (int number : end_signals()) ::sigaddset(&signals, number);
  return signals;
}

/// Reaps ended processes; true when no process is left.
bool reap() {
  pid_t pid;
  while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
  }
  return pid < 0;
}

void end_processes(int signal_number, time_t grace_seconds) {
  sigset_t ended;
  ::sigemptyset(&ended);
  ::sigaddset(&ended, SIGCHLD);
  ::kill(-1, signal_number);
  struct timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  time_t deadline = now.tv_sec + grace_seconds;
  while (!reap() && now.tv_sec < deadline) {
    // Short waits, so that a SIGCHLD merged with an earlier one costs little.
    struct timespec wait{.tv_sec = 0, .tv_nsec = 100'000'000};
    ::sigtimedwait(&ended, nullptr, &wait);
    ::clock_gettime(CLOCK_MONOTONIC, &now);
  }
}

}  // namespace

void end_machine() {
  ::sync();
  auto cmdline = host::read_file("/proc/cmdline", limits::kCommandLineBytes).value_or("");
  // Firecracker has no power-off. A reset through the keyboard controller ends it.
  bool by_reset = (" " + cmdline).find(" reboot=k") != cmdline.npos;
  ::reboot(by_reset ? RB_AUTOBOOT : RB_POWER_OFF);
  for (;;) ::pause();
}

void hold_end_signals() {
  sigset_t signals = watched_signals();
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
}

void small_init() {
  hold_end_signals();
  // Ctrl-alt-del then sends SIGINT here instead of resetting the machine.
  ::reboot(RB_DISABLE_CAD);
  ::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  sigset_t signals = watched_signals();
  int number = SIGCHLD;
  while (number <= 0 || number == SIGCHLD) {
    reap();
    number = ::sigwaitinfo(&signals, nullptr);
  }
  say(is_reboot(number) ? "rebooting" : "powering off");
  end_processes(SIGTERM, limits::kTermGraceSeconds);
  end_processes(SIGKILL, limits::kKillGraceSeconds);
  unmount_disks();
  // Where the machine cannot power off, the host ends a guest that has halted.
  ::reboot(is_reboot(number) ? RB_AUTOBOOT : RB_POWER_OFF);
  for (;;) ::pause();
}

}  // namespace banger::roles::agent::init

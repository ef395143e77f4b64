// Process 1 of an image that has an init other than systemd. That init cannot unmount the disks: they are below the
// root that it runs from. So it runs as process 1 of a PID namespace and a mount namespace of its own, like the init of
// a system container. Its power-off ends the namespace (pid_namespaces(7)). Then this process unmounts the disks, and
// powers off the machine.
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/boot_memory.h"
#include "roles/agent/init/boot.h"
#include "roles/agent/init/unmount.h"

namespace banger::roles::agent::init {

namespace {

[[noreturn]] void become_keeper(pid_t image_init) {
  auto pid = fmt::format("{}", image_init);
  const char* const argv[] = {"init", "keep", pid.c_str(), nullptr};
  // Run the program in /run, as all processes that stay.
  ::execv(kAgentFile, const_cast<char* const*>(argv));
  say(fail_errno(kAgentFile).error().sentence());
  ::_exit(127);
}

/// The namespace has its own view of processes. Mounts of this namespace stay in it, and go with it.
Result<> use_namespace() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return fail_errno("make mounts private");
  // Scripts of such inits remount /run without execution, but the agent may have to start again.
  if (::mount(guest::kRunDir, guest::kRunDir, nullptr, MS_BIND | MS_REC, nullptr) < 0)
    return fail_errno(guest::kRunDir);
  if (::umount2("/proc", MNT_DETACH) < 0) return fail_errno("unmount /proc");
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) < 0) return fail_errno("mount /proc");
  return {};
}

/// The status of the image's init. A request of the host to end the machine goes to that init.
int wait_for(pid_t image_init) {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int number : {SIGCHLD, SIGINT, SIGPWR}) ::sigaddset(&signals, number);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  for (;;) {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
      if (pid == image_init) return status;
    if (int number = ::sigwaitinfo(&signals, nullptr); number > 0 && number != SIGCHLD) ::kill(image_init, number);
  }
}

}  // namespace

Result<> enter_namespace() {
  // A kernel without PID namespaces runs the image's init as the only process 1.
  if (::unshare(CLONE_NEWPID) < 0) return {};
  pid_t pid = ::fork();
  if (pid < 0) return fail_errno("start the image's init");
  if (pid > 0) become_keeper(pid);
  ::setsid();
  if (::unshare(CLONE_NEWNS) < 0) return fail_errno("make a mount namespace");
  return use_namespace();
}

void keep(int image_init) {
  // Ctrl-alt-del then sends SIGINT here instead of resetting the machine.
  ::reboot(RB_DISABLE_CAD);
  int status = wait_for(image_init);
  // The namespace ends with all of its processes, as by a reboot or a power-off (reboot(2)).
  int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  unmount_disks();
  if (number == SIGHUP) ::reboot(RB_AUTOBOOT);
  if (number == SIGINT) ::reboot(RB_POWER_OFF);
  say(fmt::format("the image's init has ended with status {:#x}", status));
  // The end of process 1 is a kernel panic, which tells the host that the guest has failed. It names this status.
  ::_exit(number == 0 ? WEXITSTATUS(status) : 128 + number);
}

}  // namespace banger::roles::agent::init

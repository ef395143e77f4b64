#include "capabilities/jail/enter.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/files.h"
#include "host/mounts.h"

namespace banger::capabilities {

namespace {

using namespace machine::firecracker;

Result<> mount_all(const JailLaunch& launch) {
  TRY(host::unshare_mounts());
  TRY(host::mount_in_memory(launch.jail.base));
  auto place = jail_root(launch.jail);
  TRY(host::make_directories(place));
  TRY(host::attach_mount(launch.root_mount, TRY(host::open_file(place, O_PATH | O_DIRECTORY | O_NOFOLLOW))));
  for (const auto& part : launch.parts) {
    UniqueFd target(::openat(launch.root_mount.get(), part.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!target) return fail_errno(part.name);
    TRY(in(part.name, host::attach_mount(part.mount, target)));
  }
  return {};
}

// The helper ignores or handles signals that must end the jailer.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<> exec_jailer(const JailLaunch& launch) {
  ::setsid();  // outside the handler's process group, which is killed when its time is over
  if (!launch.group.empty()) TRY(host::enter_cgroup(launch.group, ::getpid()));
  TRY(mount_all(launch));
  auto null = TRY(host::open_file("/dev/null", O_RDWR));
  const int streams[] = {null.get(), launch.console ? launch.console.get() : null.get(), launch.errors.get()};
  for (int i = 0; i < 3; ++i)
    if (::dup2(streams[i], i) < 0) return fail_errno("dup2");
  ::syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  if (launch.small_pages) (void)::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  reset_signals();
  auto words = jailer_command_line(launch.jail, jailed_arguments());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* none[] = {nullptr};
  ::execve(argv[0], argv.data(), none);
  return fail_errno(words[0]);
}

}  // namespace

Error become_jailer(const JailLaunch& launch) { return exec_jailer(launch).error(); }

}  // namespace banger::capabilities

#include "roles/agent/exec/sessions/start_keeper.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>

#include "roles/agent/own_program.h"

namespace banger::roles::agent {

namespace {

// The numbers of the descriptors in the keeper.
constexpr int kLock = 3, kReady = 4, kCgroup = 5;

UniqueFd inherited(int number) {
  if (::fcntl(number, F_SETFD, FD_CLOEXEC) < 0) return {};
  return UniqueFd(number);
}

}  // namespace

Result<std::optional<host::Child>> start_keeper(KeeperStart start) {
  host::SpawnSpec spec{
      .argv = {TRY(own_program()), "keep-session", "--run-dir", start.run_dir, start.directory},
      .env = {},
      .cwd = "/",
      .extra_fds = {{start.lock.get(), kLock}, {start.ready.get(), kReady}},
      .new_session = true,
      .limits = {},
      .uid = {},
      .gid = {},
      .groups = {},
  };
  if (start.cgroup) spec.extra_fds.emplace_back(start.cgroup.get(), kCgroup);
  auto child = TRY(in("start the keeper of the session", host::spawn(spec)));
  return std::optional(std::move(child));
}

void run_keeper(std::string run_dir, std::string session_directory) {
  ::mallopt(M_ARENA_MAX, 1);
  ::signal(SIGPIPE, SIG_IGN);
  keep_session({.directory = std::move(session_directory),
                .run_dir = std::move(run_dir),
                .lock = inherited(kLock),
                .cgroup = inherited(kCgroup),
                .ready = inherited(kReady)},
               PassSignals::yes);
}

}  // namespace banger::roles::agent

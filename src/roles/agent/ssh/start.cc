#include "roles/agent/ssh/start.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "roles/agent/bounds.h"
#include "roles/agent/own_program.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/sftp/server.h"
#include "roles/agent/ssh/connection.h"

namespace banger::roles::agent {

namespace {

void become_small() {
  ::mallopt(M_ARENA_MAX, 1);
  ::signal(SIGPIPE, SIG_IGN);
}

// A process of its own, because a read of a file may take long, and because its working directory is the user's home.
Result<std::optional<host::Child>> start_sftp(const Stdio& stdio, const User& user) {
  host::SpawnSpec spec{.argv = {TRY(own_program()), "serve-sftp", user.home},
                       .env = {},
                       .cwd = ::access(user.home.c_str(), X_OK) == 0 ? user.home : "/",
                       .stdin_fd = stdio.child_input.get(),
                       .stdout_fd = stdio.child_output.get(),
                       .stderr_fd = stdio.child_errors.get()};
  auto child = TRY(in("start the server of SFTP", host::spawn(spec)));
  return std::optional(std::move(child));
}

}  // namespace

Result<std::optional<host::Child>> start_ssh_server(const std::string& run_dir, UniqueFd socket, int cgroup_fd) {
  host::SpawnSpec spec{.argv = {TRY(own_program()), "serve-ssh", "--run-dir", run_dir},
                       .env = {},
                       .cwd = "/",
                       .stdin_fd = socket.get(),
                       .new_session = true,
                       .cgroup_fd = cgroup_fd,
                       .default_oom_score = true};
  auto child = TRY(in("start the SSH server", host::spawn(spec)));
  return std::optional(std::move(child));
}

Result<> serve_ssh(const std::string& run_dir) {
  become_small();
  auto config = TRY(RunDir(run_dir).load_config());
  // libssh owns and closes its descriptor, and 0 must stay a standard stream.
  UniqueFd socket(::dup(STDIN_FILENO));
  if (!socket) return fail_errno("the connection of ssh");
  const ssh::StartSftp sftp = start_sftp;
  return ssh::Connection(config, sftp, limits::kSshLoginDeadline).serve(std::move(socket));
}

void serve_sftp(const std::string& home) {
  become_small();
  sftp::serve(STDIN_FILENO, STDOUT_FILENO, home);
}

}  // namespace banger::roles::agent

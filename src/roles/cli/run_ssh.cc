#include "roles/cli/run_ssh.h"

#include <fmt/format.h>
#include <poll.h>

#include "host/child.h"
#include "roles/cli/ssh_config.h"

namespace banger::roles::cli {

namespace {

Result<host::Child> start(const Io& io, const SshRun& run) {
  auto program = host::find_program("ssh", io.env("PATH").value_or(""));
  if (!program)
    return fail(ErrorCode::not_found, "this host has no ssh in PATH",
                fmt::format("apt install openssh-client, or banger vm shell {}, which needs none", run.name));
  auto config = TRY(ssh_config(io));
  TRY(write_ssh_config(io, config));
  host::SpawnSpec spec{.argv = {*program, "-F", config.path},
                       .env = io.environment,
                       .stdin_fd = io.in,
                       .stdout_fd = io.out,
                       .stderr_fd = io.err};
  if (run.terminal) spec.argv.push_back("-t");
  spec.argv.push_back(run.name + ".vm");
  if (!run.words.empty()) spec.argv.push_back("--");
  spec.argv.insert(spec.argv.end(), run.words.begin(), run.words.end());
  return host::spawn(spec);
}

}  // namespace

Result<int> run_ssh(const Io& io, const Signals& signals, const SshRun& run) {
  auto child = TRY(in("run ssh", start(io, run)));
  for (;;) {
    if (auto ended = child.poll()) return ended->shell_code();
    pollfd waiting[2] = {{child.pidfd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return fail_errno("wait for ssh");
    while (waiting[1].revents) {
      auto number = signals.take();
      if (!number) break;
      (void)child.signal(*number);
    }
  }
}

}  // namespace banger::roles::cli

#include "roles/agent/exec/sessions/launch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/exec/command.h"
#include "roles/agent/users.h"

namespace banger::roles::agent {

namespace {

std::string_view path_of(const host::SpawnSpec& spawn) {
  for (std::string_view entry : spawn.env)
    if (entry.starts_with("PATH=")) return entry.substr(5);
  return {};
}

Result<> check_directory(const Command& command) {
  struct stat info{};
  const auto& path = command.spawn.cwd;
  if (command.directory != Directory::Of::request || (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)))
    return {};
  return fail(ErrorCode::not_found, fmt::format("'{}' is not a directory in the guest", printable(path)));
}

Result<> check_required(const Command& command, const std::vector<std::string>& required) {
  std::vector<std::string> missing;
  for (const auto& name : required)
    if (!host::find_program(name, path_of(command.spawn))) missing.push_back(printable(name, 80));
  if (missing.empty()) return {};
  return fail(ErrorCode::not_found, fmt::format("the guest has no command '{}'", join(missing, "', '")),
              "install it in the guest");
}

// The input of a session without one is /dev/null.
void leave_out_input(Stdio& stdio) {
  stdio.input.reset();
  stdio.child_input.reset();
}

}  // namespace

Result<Launched> launch(const link::SessionSpec& spec, const AgentConfig& config, int cgroup_fd) {
  auto user = TRY(choose_user(spec.command, config.image, [](const auto& who) { return load_user(who); }));
  auto command = TRY(prepare_command(spec.command, user, config.environment, config.image));
  TRY(check_directory(command));
  TRY(check_required(command, spec.required));
  bool tty = spec.input == link::SessionInput::pty;
  auto stdio =
      TRY(tty ? make_terminal(user.uid, spec.command.rows, spec.command.cols) : make_pipes(user.uid, user.gid));
  if (spec.input == link::SessionInput::none) leave_out_input(stdio);
  auto& spawn = command.spawn;
  spawn.stdin_fd = stdio.child_input.get();
  spawn.stdout_fd = tty ? spawn.stdin_fd : stdio.child_output.get();
  spawn.stderr_fd = tty ? spawn.stdin_fd : stdio.child_errors.get();
  spawn.controlling_tty = tty;
  spawn.cgroup_fd = cgroup_fd;
  auto child = start_command(command);
  if (!child) return fail(ErrorCode::unavailable, child.error().message);
  stdio.child_input.reset();
  stdio.child_output.reset();
  stdio.child_errors.reset();
  return Launched{.child = std::move(*child), .stdio = std::move(stdio), .main = command.main};
}

}  // namespace banger::roles::agent

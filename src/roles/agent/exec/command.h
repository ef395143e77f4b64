// From an exec request to a process: user, directory, environment and login shell, or the error when it cannot start.
#pragma once

#include <functional>

#include "host/child.h"
#include "link/exec_spec.h"
#include "roles/agent/exec/program.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/users.h"

namespace banger::roles::agent {

/// A request with all defaults resolved. `spawn` lacks only its descriptors.
struct Command {
  host::SpawnSpec spawn;
  User user;
  Directory::Of directory = Directory::Of::user;
  bool main = false;  ///< the image's main command
};

/// The user that the request names, otherwise the image's choice, otherwise root.
Result<User> choose_user(const link::ExecSpec& spec, const guestcfg::RunConfig& image,
                         const std::function<Result<User>(const std::string&)>& find);

/// Defaults (PATH, HOME, USER, LOGNAME, SHELL, LANG, with a tty a TERM that the guest knows), then the guest's
/// environment, then the request's. program.h says what runs, and where. `invalid` on NUL bytes or malformed variable
/// names, `not_found` when the guest has no shell.
Result<Command> prepare_command(const link::ExecSpec& spec, const User& user, const Environment& guest,
                                const guestcfg::RunConfig& image = {});

/// Starts the command. A missing directory of the image is made, as in containers. A home directory that is missing or
/// closed to its own user is replaced by "/", as in sshd. The error goes to the client: a sentence, and code 126 or 127
/// when the cause is the command, otherwise 125.
std::expected<host::Child, link::ExecExit> start_command(Command& command);

}  // namespace banger::roles::agent

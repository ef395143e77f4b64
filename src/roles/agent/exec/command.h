// From an exec request to a process: user, directory, environment and login shell, or the error when it cannot start.
#pragma once

#include "host/child.h"
#include "link/exec_spec.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/users.h"

namespace banger::roles::agent {

/// A request with all defaults resolved. `spawn` lacks only its descriptors.
struct Command {
  host::SpawnSpec spawn;
  User user;
  bool own_directory = false;  ///< the directory is the user's home, because the request gave none
};

/// Defaults (PATH, HOME, USER, LOGNAME, SHELL, LANG, with a tty a TERM that the guest knows), then the guest's
/// environment, then the request's. An empty argv is the user's shell as a login shell. `invalid` on NUL bytes or
/// malformed variable names.
Result<Command> prepare_command(const link::ExecSpec& spec, const User& user, const Environment& guest);

/// Starts the command. A home directory that is missing or closed to its own user is replaced by "/", as in sshd. The
/// error goes to the client: a sentence, and code 126 or 127 when the cause is the command, otherwise 125.
std::expected<host::Child, link::ExecExit> start_command(Command& command);

}  // namespace banger::roles::agent

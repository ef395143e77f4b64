// What an exec request runs: its own command, the user's login shell, or the main command of the guest's image. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "guestcfg/run_config.h"
#include "link/exec_spec.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/users.h"

namespace banger::roles::agent {

struct Program {
  std::vector<std::string> argv;
  std::string shell;  ///< the login shell, if the program is one
  bool main = false;  ///< the image's main command
};

/// Whether a path is a file that may be executed.
using IsProgram = std::function<bool(const std::string& path)>;

/// The user's login shell: the one of passwd(5), then $SHELL of `environment`, then the usual shells. A shell that only
/// refuses logins does not count. Empty when the guest has none.
std::string find_shell(const User& user, const Environment& environment, const IsProgram& is_program);

/// The request's command is never mixed with the image's, unless the request asks for the main command. `not_found`
/// when a shell is asked for and the guest has none. `invalid` when the image names no main command.
Result<Program> choose_program(const link::ExecSpec& spec, const User& user, const Environment& environment,
                               const guestcfg::RunConfig& image, const IsProgram& is_program);

/// Where it runs: the request's directory, otherwise the image's, otherwise the user's home. As in containers, a main
/// command without a directory runs in "/". Relative directories of a request begin at the user's home.
struct Directory {
  std::string path;
  enum class Of { request, image, user } of = Of::user;
};
Directory choose_directory(const link::ExecSpec& spec, const User& user, const guestcfg::RunConfig& image,
                           const Program& program);

}  // namespace banger::roles::agent

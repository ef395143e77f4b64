// Runs the host's OpenSSH with banger's own settings and nobody else's.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "roles/cli/io.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

struct SshRun {
  std::string name;  ///< of the VM
  bool terminal = false;
  std::vector<std::string> words;  ///< the remote command, as ssh takes it
};
/// Returns the exit status of ssh. Passes signals on. `not_found` when the host has no ssh.
Result<int> run_ssh(const Io& io, const Signals& signals, const SshRun& run);

}  // namespace banger::roles::cli

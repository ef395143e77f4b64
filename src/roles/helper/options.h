// The command line of bangerd-root, and the listener it serves: the one that systemd hands over, or its own.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/install.h"
#include "host/paths.h"

namespace banger::roles::helper {

struct Options {
  std::string install_file = std::string(config::kInstallFile);
  std::string socket = std::string(config::kHelperSocket);
};
Result<Options> parse_options(std::span<char* const> arguments);

/// The one listening Unix socket of sd_listen_fds(3), or an empty one when this process was given none.
Result<UniqueFd> activated_listener(const host::GetEnv& env);

/// Listens at `path`, reachable by `owner` alone (mode 0600; root may always), in a directory of root's that is made
/// with mode 0755. `exists` when another helper serves there.
Result<UniqueFd> own_listener(const std::string& path, uid_t owner);

}  // namespace banger::roles::helper

// The command line of bangerd-root, and its listening socket: from systemd, or made by the helper.
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

/// The listening Unix socket that systemd passed to this process (sd_listen_fds(3)), or an empty descriptor if there is
/// none. `invalid` for several sockets, or for another kind of socket.
Result<UniqueFd> activated_listener(const host::GetEnv& env);

/// Listens at `path`. Only `owner` and root can connect (mode 0600). The directory is made with mode 0755 and must
/// belong to root. `exists` when another helper listens at `path`.
Result<UniqueFd> own_listener(const std::string& path, uid_t owner);

}  // namespace banger::roles::helper

// Reaching the daemon: find the one that listens, or start one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "host/paths.h"

namespace banger::client {

/// What starts a daemon. `--ready-fd N` is added to `argv`.
struct DaemonProgram {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< KEY=VALUE
};

struct Connected {
  UniqueFd socket;
  std::optional<pid_t> started;  ///< the daemon that was started for this connection
};

/// A connection to a daemon that listens: `not_found` or `unavailable` when there is none.
Result<UniqueFd> find(const host::Paths& paths);
/// Starts a daemon when none listens. Clients that do so at the same time take turns, and one daemon is started.
Result<Connected> connect_or_start(const host::Paths& paths, const DaemonProgram& program);

}  // namespace banger::client

// Reaching the daemon: find a daemon that listens, or start one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "host/paths.h"

namespace banger::client {

/// The command line that starts a daemon. `--ready-fd N` is added to `argv`.
struct DaemonProgram {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< KEY=VALUE
};

struct Connected {
  UniqueFd socket;
  std::optional<pid_t> started;  ///< the daemon that was started for this connection
};

/// A connection to the daemon. `not_found` or `unavailable` when no daemon listens.
Result<UniqueFd> find(const host::Paths& paths);
/// Starts a daemon when none listens. When several clients do so at the same time, only one daemon is started.
Result<Connected> connect_or_start(const host::Paths& paths, const DaemonProgram& program);

}  // namespace banger::client

// The socket of a keeper, in the directory of its session. Only root reaches that directory.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::agent {

/// Both sockets are non-blocking.
Result<UniqueFd> listen_as_keeper(const std::string& session_directory);
/// `not_found` when the session has no keeper any more: it has ended. `busy` when too many clients are connected.
Result<UniqueFd> connect_to_keeper(const std::string& session_directory);

}  // namespace banger::roles::agent

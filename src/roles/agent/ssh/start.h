// The processes of the SSH server. Each connection has one, which speaks on its descriptor 0.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "host/child.h"

namespace banger::roles::agent {

/// Starts a server for one connection. `cgroup_fd`: where it begins, borrowed; -1: here. Tests run it on a thread, and
/// return no child.
Result<std::optional<host::Child>> start_ssh_server(const std::string& run_dir, UniqueFd socket, int cgroup_fd);
using StartSshServer = std::function<decltype(start_ssh_server)>;

/// The body of that process: serves the connection on descriptor 0. The host key and the root user's keys are those of
/// the guest config in `run_dir`.
Result<> serve_ssh(const std::string& run_dir);

/// The body of the process that serves SFTP on its standard streams. `home` is where "~" leads.
void serve_sftp(const std::string& home);

}  // namespace banger::roles::agent

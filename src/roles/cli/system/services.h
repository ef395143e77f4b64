// The services of a system install, controlled with systemctl. The owner's directories and daemon are here too.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/passwd.h"
#include "roles/cli/system/install.h"
#include "roles/cli/system/status.h"

namespace banger::roles::cli {

/// Runs a program of the system to its end and returns its output. Tests pass another function.
using RunTool = std::function<Result<std::string>(const std::vector<std::string>& argv)>;
RunTool system_tool();

/// Whether systemd is the init of this host (sd_booted(3)).
bool systemd_runs();

/// Makes the directories that the daemon's unit writes. A process of the owner makes them, so that symlinks of the
/// owner cannot mislead root.
Result<> make_owner_directories(const host::User& owner);

/// Stops a daemon that the owner has started without systemd. VMs go on. Returns whether such a daemon ran.
Result<bool> stop_own_daemon(const host::User& owner);

/// How many VMs the owner's daemon runs. Null when no daemon answers.
std::optional<std::int64_t> running_vms(const host::User& owner);
/// Undoes the operations that do not belong to one VM: the bridge, its firewall rules and the settings of
/// systemd-resolved. It runs every undo operation that has no arguments. Returns lines for people. A failure gives a
/// line and does not stop the rest.
std::vector<std::string> undo_operations(const config::Install& install, const host::User& owner);

/// Enables all services and starts those that do not run. Restarts services of an older program or unit. VMs go on.
Result<std::vector<std::string>> start_services(const RunTool& run, const InstallReport& report);
Result<> restart_services(const RunTool& run);
/// Stops and disables all services. VMs go on.
Result<> stop_services(const RunTool& run);

std::vector<ServiceState> service_states(const RunTool& run);

/// The version of the running helper, which is asked over its socket.
Result<std::string> helper_version();

}  // namespace banger::roles::cli

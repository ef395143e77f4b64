// The running half of a system install: systemd, told by systemctl, and the owner's directories and daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/passwd.h"
#include "roles/cli/system/install.h"

namespace banger::roles::cli {

/// Runs a program of the system to its end and gives its output; tests hand in another.
using RunTool = std::function<Result<std::string>(const std::vector<std::string>& argv)>;
RunTool system_tool();

/// systemd is what runs this host (sd_booted(3)).
bool systemd_runs();

/// As the owner, so that nothing of his can mislead root: the directories that the daemon's unit writes to.
Result<> make_owner_directories(const host::User& owner);

/// Asks a daemon that the owner started himself to make way; its VMs go on. None running is fine.
Result<bool> stop_own_daemon(const host::User& owner);

/// How many VMs the owner's daemon runs; nullopt when none answers.
std::optional<std::int64_t> running_vms(const host::User& owner);
/// Takes back what operations made for no VM in particular (the bridge, its rules, resolved's settings): everything
/// that takes something back and needs no arguments. What fails is told, not fatal.
std::vector<std::string> undo_operations(const config::Install& install, const host::User& owner);

/// Enables and starts what is not running, restarts what runs an older program or unit. VMs are not touched.
Result<std::vector<std::string>> start_services(const RunTool& run, const InstallReport& report);
Result<> restart_services(const RunTool& run);
/// Disables and stops them; VMs go on.
Result<> stop_services(const RunTool& run);

struct ServiceState {
  std::string unit, active, enabled;  ///< as systemctl has them: "active", "enabled"
};
std::vector<ServiceState> service_states(const RunTool& run);

/// The helper's version, asked over its socket.
Result<std::string> helper_version();

}  // namespace banger::roles::cli

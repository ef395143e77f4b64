// How the programs of an image want to run, as the image's maker recorded it. Source: the object `config` of an OCI
// image configuration (image-spec, config.md). Other members of that object mean nothing to a VM. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace banger::guestcfg {

struct RunConfig {
  std::vector<std::string> env;         ///< NAME=VALUE; of two with one name, the later counts
  std::vector<std::string> entrypoint;  ///< the first words of the image's main command
  std::vector<std::string> cmd;         ///< the last words of that command, which a user replaces
  std::string working_dir;              ///< empty: the user's home
  std::string user;                     ///< name or uid[:group or gid]; empty: root
  std::string stop_signal;              ///< "SIGTERM", "15" or "SIGRTMIN+3"; empty: SIGTERM
  bool operator==(const RunConfig&) const = default;
  bool empty() const { return *this == RunConfig(); }
};

/// Reads `{"Env": […], "Entrypoint": […], "Cmd": […], "WorkingDir", "User", "StopSignal"}`. Members may be absent or
/// null, and unknown members are ignored. `invalid` for another type, a NUL byte, and anything over
/// limits::kRunConfigBytes or kGuestConfigItems.
Result<RunConfig> run_config_from_json(const Json& json);
/// The same object without its empty members.
Json to_json(const RunConfig& config);

/// The text of a whole image configuration, or of its object `config` only.
Result<RunConfig> parse_run_config(std::string_view text);

/// The variables by their names. An entry that no program can have, for example without a '=', is left out.
std::map<std::string, std::string> variables(const RunConfig& config);

}  // namespace banger::guestcfg

// /run/banger: what init leaves for the agent, and the agent for its next incarnation. Files only; no decisions here.
//
//   config.json    0600: the guest config in force; "link_token", "environment" and "interfaces" of it are read
//   init           the image's init: systemd, openrc, runit, busybox or none
//   system-ready   exists once the boot target is reached
//   frozen         the cgroups that stand still while the machine is a template (freezer.h)
//   agent.log      bounded (log_file.h)
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "guestcfg/guest_config.h"

namespace banger::roles::agent {

using Environment = std::map<std::string, std::string>;

enum class InitKind { systemd, openrc, runit, busybox, none };
std::string_view to_string(InitKind kind);
/// Unknown names are `none`: the agent then asks PID 1 in the plainest way.
InitKind init_kind_from_string(std::string_view name);

/// What the agent itself needs of the guest config.
struct AgentConfig {
  std::string link_token;  ///< 16 raw bytes
  Environment environment;
  std::vector<guestcfg::Interface> interfaces;  ///< what the links were given
};

class RunDir {
 public:
  explicit RunDir(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string log_path() const { return path_ + "/agent.log"; }
  std::string frozen_path() const { return path_ + "/frozen"; }

  /// `invalid` when there is no usable token in it.
  Result<AgentConfig> load_config() const;
  /// Puts them into config.json, so that a restarted agent knows them. Overwrites in one write(2): this is memory, and
  /// in a clone every new file costs its first command time.
  Result<> save_config(const AgentConfig& config) const;

  InitKind init_kind() const;
  bool system_ready() const;
  Result<> mark_system_ready() const;

 private:
  std::string path_;
};

}  // namespace banger::roles::agent

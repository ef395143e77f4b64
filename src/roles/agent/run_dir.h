// /run/banger: the files that init leaves for the agent, and the agent for a restarted agent. Files only; no decisions
// here.
//
//   config.json    0600: the current guest config; the agent reads "link_token", "environment", "image",
//                  "interfaces", "keys", "ssh_host_key" and "pids"
//   init           the image's init: systemd, openrc, runit, busybox, other or none
//   system-ready   exists once the boot target is reached
//   ending         exists once the guest's end has begun (end_commands.h)
//   cgroup         where the agent mounts cgroup2 if the guest's init does not
//   agent.pid      the running agent
//   frozen         the cgroups that are frozen while the machine is a template (freezer.h)
//   agent.log      bounded (log_file.h)
//   system         the system disk (guest::kSystemDisk), with records of uploads (uploads.h)
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/init.h"
#include "guestcfg/guest_config.h"

namespace banger::roles::agent {

using Environment = std::map<std::string, std::string>;

using guest::InitKind;

/// The part of the guest config that the agent itself needs.
struct AgentConfig {
  std::string link_token;  ///< 16 raw bytes
  Environment environment;
  std::vector<guestcfg::Interface> interfaces;  ///< the configuration of the links
  guestcfg::RunConfig image;                    ///< the image's choices for commands
  std::vector<guestcfg::UserKeys> keys;         ///< the authorised keys
  std::optional<guestcfg::SshHostKey> ssh_host_key;
  std::uint32_t pids = 0;  ///< of one command; 0: command_tasks()
};

class RunDir {
 public:
  explicit RunDir(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string log_path() const { return path_ + "/agent.log"; }
  /// The guest is ending, and its commands are ended first.
  Result<> mark_ending() const;
  bool ending() const;
  std::string uploads_path() const { return path_ + "/system/uploads"; }
  std::string frozen_path() const { return path_ + "/frozen"; }

  /// `invalid` when the config has no usable token.
  Result<AgentConfig> load_config() const;
  /// Writes them into config.json for a restarted agent. Overwrites the file with one write(2). The file is in memory,
  /// and in a clone every new file delays the first command.
  Result<> save_config(const AgentConfig& config) const;

  Result<> save_agent_pid(pid_t pid) const;
  Result<pid_t> agent_pid() const;

  InitKind init_kind() const;
  bool system_ready() const;
  Result<> mark_system_ready() const;

 private:
  std::string path_;
};

}  // namespace banger::roles::agent

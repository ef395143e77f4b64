// The directories where banger keeps its files: the XDG base directories (freedesktop.org basedir-spec 0.8) and no
// others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::host {

using GetEnv = std::function<std::optional<std::string>(const std::string& name)>;
/// The process's own environment.
GetEnv process_env();
/// The whole environment, as NAME=VALUE.
std::vector<std::string> process_environment();

struct Paths {
  std::string home;         ///< $HOME, else the passwd entry's
  std::string config_file;  ///< $XDG_CONFIG_HOME/banger/config.toml
  std::string state;        ///< $XDG_STATE_HOME/banger: database, VMs, logs, sockets; 0700
  std::string data;         ///< $XDG_DATA_HOME/banger: images and kernels
  std::string cache;        ///< $XDG_CACHE_HOME/banger: everything that can be rebuilt

  std::string database() const { return state + "/banger.db"; }
  /// Sockets are in the state directory, not in $XDG_RUNTIME_DIR. VMs outlive a login session. A user who logs in by
  /// another way (su, cron, CI) must find the same daemon.
  std::string run() const { return state + "/run"; }
  std::string daemon_socket() const { return run() + "/bangerd.sock"; }
  std::string daemon_lock() const { return run() + "/bangerd.lock"; }
  std::string daemon_log() const { return state + "/bangerd.log"; }
  std::string vms() const { return state + "/vms"; }
  std::string vm(const std::string& id) const { return vms() + "/" + id; }
  std::string saves() const { return state + "/saves"; }
  std::string save(const std::string& id) const { return saves() + "/" + id; }
  std::string ssh() const { return state + "/ssh"; }
  std::string images() const { return data + "/images"; }
  std::string kernels() const { return data + "/kernels"; }
};

/// `invalid` when HOME is missing or an XDG variable is relative. The specification would ignore a relative one; this
/// is an error.
Result<Paths> find_paths(const GetEnv& env);

}  // namespace banger::host

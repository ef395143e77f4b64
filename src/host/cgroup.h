// Control groups, version 2 (Linux Documentation/admin-guide/cgroup-v2.rst). A process in a group of its own can
// outlive the service that started it. The group limits the process where the host's hierarchy has controllers.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::host {

/// The mount point of the hierarchy. nullopt: this host has none. `mounts` has the format of /proc/self/mounts.
std::optional<std::string> find_cgroups(const std::string& mounts = "/proc/self/mounts");

/// The controllers of the hierarchy at `root` that banger can use: "cpu", "memory", "pids".
std::vector<std::string> limiting_controllers(const std::string& root);

struct CgroupLimits {
  std::uint32_t cpus = 1;  ///< the time of this many processors
  std::uint64_t memory_bytes = 0;
  std::uint32_t tasks = 0;  ///< threads
};

/// Makes the group PARENT/NAME below `root`, or uses an existing one, and sets the limits that the hierarchy supports.
/// Returns the controllers that limit the group.
Result<std::vector<std::string>> make_cgroup(const std::string& root, std::string_view parent, std::string_view name,
                                             const CgroupLimits& limits);
/// Moves a process with all its threads into the group.
Result<> enter_cgroup(const std::string& group, pid_t process);
/// Kills the processes in the group and removes it. Succeeds when there is no group. `busy` when a process has not
/// ended in time. Blocking.
Result<> end_cgroup(const std::string& group, std::chrono::milliseconds patience);

}  // namespace banger::host

// Control groups, version 2 (Linux Documentation/admin-guide/cgroup-v2.rst): a place of its own for a process that is
// to outlive the service that started it, and limits where the host's hierarchy has controllers for them.
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

/// Where the hierarchy is mounted; nullopt: this host has none. `mounts` as /proc/self/mounts.
std::optional<std::string> find_cgroups(const std::string& mounts = "/proc/self/mounts");

/// Which of the three controllers it limits with ("cpu", "memory", "pids") the hierarchy at `root` has.
std::vector<std::string> limiting_controllers(const std::string& root);

struct CgroupLimits {
  std::uint32_t cpus = 1;  ///< so many processors' time
  std::uint64_t memory_bytes = 0;
  std::uint32_t tasks = 0;  ///< threads
};

/// Makes the group PARENT/NAME below `root`, or takes the one that is there, and sets what the hierarchy can limit;
/// tells what that is.
Result<std::vector<std::string>> make_cgroup(const std::string& root, std::string_view parent, std::string_view name,
                                             const CgroupLimits& limits);
/// Moves a process, all its threads, into the group.
Result<> enter_cgroup(const std::string& group, pid_t process);
/// Kills what is in the group and removes it; none there is fine. `busy` when a process in it has not ended in time.
/// Blocking.
Result<> end_cgroup(const std::string& group, std::chrono::milliseconds patience);

}  // namespace banger::host

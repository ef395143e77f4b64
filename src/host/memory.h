// The memory that this process and its children may still use: what the host has, or what a cgroup allows. Cgroups:
// Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace banger::host {

struct MemoryRoom {
  std::uint64_t bytes = 0;  ///< that new work can use without swapping
  std::string cgroup;       ///< the cgroup that allows no more; empty: the host has no more
  std::uint64_t limit = 0;  ///< the limit of that cgroup

  /// "the host", or the cgroup with its limit: completes "… has 1G of free memory".
  std::string owner() const;
};

/// The smaller of the kernel's estimate for the host (proc(5), MemAvailable) and the room in the tightest cgroup.
Result<MemoryRoom> available_memory();

/// Where the kernel describes a process's cgroups. Tests have other files.
struct CgroupFiles {
  std::string groups = "/proc/self/cgroup", mounts = "/proc/self/mountinfo";
};

/// The tightest of the process's cgroups and all groups above. Memory that holds clean copies of files counts as free,
/// as in MemAvailable. nullopt: no group has a limit.
std::optional<MemoryRoom> tightest_cgroup(const CgroupFiles& files = {});

/// The lowest limit of those cgroups, however much is free; `bytes` if it is lower.
std::uint64_t bounded_by_cgroups(std::uint64_t bytes, const CgroupFiles& files = {});

}  // namespace banger::host

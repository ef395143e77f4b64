// The part of the cgroup hierarchy (version 2) that this process may divide among the processes that it starts. Source:
// Linux Documentation/admin-guide/cgroup-v2.rst ("Delegation", "No Internal Process Constraint").
//
//   G             the group that this process was started in, delegated to its user
//   G/daemon      this process and its helpers, because a group with divided controllers may have no processes
//   G/machines/X  one group for each machine
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// Where a process is in the hierarchy.
struct CgroupPlace {
  std::string root;   ///< the mount point
  std::string group;  ///< "/" or "/a/b"
  pid_t pid = 0;
};

/// Calls to a hierarchy. Tests have one in memory, which keeps the kernel's rules.
class CgroupTree {
 public:
  virtual ~CgroupTree() = default;
  /// That of this process. `unsupported` on a host without version 2.
  virtual Result<CgroupPlace> place() = 0;
  virtual Result<std::string> read(const std::string& file) = 0;
  virtual Result<> write(const std::string& file, std::string_view text) = 0;
  /// Succeeds when the group is there already.
  virtual Result<> make(const std::string& group) = 0;
  /// Succeeds when there is no such group. `busy` while processes are in it.
  virtual Result<> remove(const std::string& group) = 0;
  virtual bool writable(const std::string& path) = 0;
  /// The names of the groups directly below.
  virtual std::vector<std::string> list(const std::string& group) = 0;
  /// For SpawnSpec::cgroup_fd.
  virtual Result<UniqueFd> open(const std::string& group) = 0;
};

/// That of this host. The files have the formats of proc(5).
class HostCgroupTree final : public CgroupTree {
 public:
  explicit HostCgroupTree(std::string mounts = "/proc/self/mounts", std::string groups = "/proc/self/cgroup")
      : mounts_(std::move(mounts)), groups_(std::move(groups)) {}
  Result<CgroupPlace> place() override;
  Result<std::string> read(const std::string& file) override;
  Result<> write(const std::string& file, std::string_view text) override;
  Result<> make(const std::string& group) override;
  Result<> remove(const std::string& group) override;
  bool writable(const std::string& path) override;
  std::vector<std::string> list(const std::string& group) override;
  Result<UniqueFd> open(const std::string& group) override;

 private:
  std::string mounts_, groups_;
};

/// What one machine may use at most. The processor is shared out evenly instead.
struct MachineShare {
  std::uint64_t memory_bytes = 0;
  std::uint64_t tasks = 0;  ///< processes and threads
};

class DelegatedCgroup {
 public:
  /// Moves the process into G/daemon and divides G. May be repeated, also by a process in G/daemon. `unsupported`
  /// without controllers, `denied` when G is not this user's, `busy` when others are in G.
  static Result<DelegatedCgroup> take(CgroupTree& tree, const CgroupPlace& place);

  /// Makes the group of one machine, or uses an existing one, and sets its limits.
  Result<UniqueFd> make(std::string_view name, const MachineShare& share);
  std::string path_of(std::string_view name) const;
  /// Divides G no longer, so that systemd can start another process in it. REQUIRES: nothing is made afterwards.
  void end();
  /// The names of all groups of machines.
  std::vector<std::string> names() const;
  /// "cpu", "memory", "pids": those that limit machines.
  const std::vector<std::string>& controllers() const { return controllers_; }
  const std::string& parent() const { return parent_; }

 private:
  DelegatedCgroup(CgroupTree& tree, std::string group, std::string parent, std::vector<std::string> controllers)
      : tree_(&tree), group_(std::move(group)), parent_(std::move(parent)), controllers_(std::move(controllers)) {}
  CgroupTree* tree_;
  std::string group_;   ///< G; empty: the root of the hierarchy, which may have processes
  std::string parent_;  ///< G/machines
  std::vector<std::string> controllers_;
};

}  // namespace banger::host

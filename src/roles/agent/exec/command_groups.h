// Cgroups for the commands of clients. Each command has a group with a limit of processes. So a command that starts
// processes without end starves neither the agent nor the commands that would end it. If the guest has no cgroup
// version 2, commands run without such limits.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "roles/agent/run_dir.h"

namespace banger::roles::agent {

/// Whether the agent mounts cgroup2 in a guest whose init does not. Tests run outside of a guest.
enum class MountCgroups { no, yes };

class CommandGroups {
 public:
  /// `mounts` is a mountinfo file (proc(5)).
  CommandGroups(RunDir run_dir, std::string mounts, MountCgroups mount)
      : run_dir_(std::move(run_dir)), mounts_(std::move(mounts)), mount_(mount) {}

  /// Limits the processes and threads of each command, also of running ones. 0: command_tasks().
  void limit(std::uint32_t tasks);

  /// A descriptor of a group without processes, for the next command; valid until the next call. -1 when there is none.
  int next();

 private:
  struct Group {
    UniqueFd directory, events;
  };
  Result<> set_up();
  Result<Group> open_group(const std::string& path) const;
  Result<> add_group();
  void put_limit(const std::string& group) const;
  std::string path_of(std::size_t index) const;
  void share_processor_in_a_crowd();

  RunDir run_dir_;
  std::string mounts_;
  MountCgroups mount_;
  std::string parent_;        ///< the group of all commands; empty before set_up()
  std::uint32_t wanted_ = 0;  ///< as in limit()
  UniqueFd tasks_;            ///< the number of processes and threads of all commands
  bool shared_ = false;       ///< each command has its share of the processor
  std::vector<Group> groups_;
};

/// How many processes and threads one command may have, from the guest's own limits. Pure.
std::uint64_t command_tasks(std::uint64_t pid_max, std::uint64_t threads_max);

}  // namespace banger::roles::agent

// The arguments of machine.jail and machine.unjail, checked as far as possible without looking at any file.
#pragma once

#include <string>
#include <vector>

#include "capabilities/privileged.h"
#include "machine/firecracker/jail.h"

namespace banger::capabilities {

struct JailRequest {
  std::string id;  ///< 32 of [0-9a-f]
  /// of the VM, beneath the context's roots; machine.unjail also accepts an empty one: the VM has no directory
  std::string directory;
  std::vector<machine::firecracker::JailFile> read, write;
  bool console = false;
  std::uint32_t vcpus = 0;
  std::uint64_t memory_bytes = 0;
};

Result<JailRequest> launch_request(const PrivilegedContext& context, const Json& arguments);
Result<JailRequest> end_request(const PrivilegedContext& context, const Json& arguments);

/// The jail with that id, without its cgroup.
machine::firecracker::Jail jail_of(const PrivilegedContext& context, const std::string& id);
/// The jail's cgroup, relative to the root of the cgroups.
std::string cgroup_of(const std::string& id);

/// Whether a command line shows that its process is in that jail, or about to be.
bool has_id(const std::vector<std::string>& argv, const std::string& id);

/// `denied` unless only root can replace the program at that path: the program and all directories above belong to
/// root.
Result<> check_program(const std::string& path);
/// The VM's directory, which must belong to the owner.
Result<UniqueFd> open_vm_directory(const PrivilegedContext& context, const std::string& path);

// The effects.
Result<PrivilegedReply> launch_jail(const PrivilegedContext& context, const JailRequest& request);
/// Kills the processes in the jail and removes the jail. `busy` when a process has not ended in time.
Result<> end_jail(const PrivilegedContext& context, const JailRequest& request);

}  // namespace banger::capabilities

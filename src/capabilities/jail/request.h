// What machine.jail and machine.unjail are asked, checked as far as it can be without looking at any file.
#pragma once

#include <string>
#include <vector>

#include "capabilities/privileged.h"
#include "machine/firecracker/jail.h"

namespace banger::capabilities {

struct JailRequest {
  std::string id;         ///< 32 of [0-9a-f]
  std::string directory;  ///< of the VM, beneath the context's roots; for an end it may be empty: there is none
  std::vector<machine::firecracker::JailFile> read, write;
  bool console = false;
  std::uint32_t vcpus = 0;
  std::uint64_t memory_bytes = 0;
};

Result<JailRequest> launch_request(const PrivilegedContext& context, const Json& arguments);
Result<JailRequest> end_request(const PrivilegedContext& context, const Json& arguments);

/// The jail with that id, but for its cgroup.
machine::firecracker::Jail jail_of(const PrivilegedContext& context, const std::string& id);
/// Below the root of the cgroups.
std::string cgroup_of(const std::string& id);

/// Whether a command line says that its process is in that jail, or about to be.
bool has_id(const std::vector<std::string>& argv, const std::string& id);

/// `denied` unless the path is that of a program which only root can replace: it and all directories above are root's.
Result<> check_program(const std::string& path);
/// The VM's directory, which must be the owner's.
Result<UniqueFd> open_vm_directory(const PrivilegedContext& context, const std::string& path);

// The effects.
Result<PrivilegedReply> launch_jail(const PrivilegedContext& context, const JailRequest& request);
/// Kills what runs in the jail and removes what was made for it; `busy` when a process has not ended in time.
Result<> end_jail(const PrivilegedContext& context, const JailRequest& request);

}  // namespace banger::capabilities

// A machine in a jail, as its owner sees it: what goes into the jail under which names, and what comes out. Making
// jails is somebody else's (Jailer), for it needs root.
#pragma once

#include "machine/firecracker/jail.h"
#include "machine/machine.h"

namespace banger::machine::firecracker {

/// What a Firecracker is started in a jail with. Paths are whole.
struct JailedStart {
  std::string vm_id, token;  ///< the token is also the jail's id
  std::string directory;     ///< the VM's; the jail is made in it, and its logs are there
  std::vector<JailFile> read, write;
  bool console = true;
  std::uint32_t vcpus = 1;
  std::uint64_t memory_bytes = 0;
};

struct JailedProcess {
  UniqueFd pidfd;
  host::ProcessId id;
};

/// Starts Firecrackers in jails. Which jailer and which Firecracker is not the caller's to say.
class Jailer {
 public:
  virtual ~Jailer() = default;
  /// `firecracker`: the binary the caller knows the facts of; `unsupported` when another one would be started, or there
  /// is no way to start any, with the way out.
  virtual Task<Result<>> check(std::string firecracker) = 0;
  /// The process that runs by now. What is left of a start that failed, and of a machine that has ended, is the
  /// Jailer's to remove.
  virtual Task<Result<JailedProcess>> start(JailedStart start) = 0;
};

JailedStart jailed_start(const MachineConfig& config);
/// The same machine with the names that its files have in the jail.
MachineConfig in_jail(const MachineConfig& config);

/// Before a start: links in the machine's directory to the sockets that will be in the jail.
Result<> link_sockets(const std::string& directory);
/// Moves a state that was written in the jail to where it is wanted.
Result<> take_state_out(const std::string& directory, const SavedState& to);

}  // namespace banger::machine::firecracker

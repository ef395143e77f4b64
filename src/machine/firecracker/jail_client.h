// A machine in a jail, from the owner's side: the files that go into the jail with their names, and the files that come
// out. A Jailer makes the jails, because that needs root.
#pragma once

#include "machine/firecracker/jail.h"
#include "machine/machine.h"

namespace banger::machine::firecracker {

/// The arguments for starting a Firecracker in a jail. Paths are absolute.
struct JailedStart {
  std::string vm_id, token;  ///< the token is also the jail's id
  std::string directory;     ///< the VM's; the jail and its logs are inside
  std::vector<JailFile> read, write;
  bool console = true;
  std::uint32_t vcpus = 1;
  std::uint64_t memory_bytes = 0;
};

struct JailedProcess {
  UniqueFd pidfd;
  host::ProcessId id;
};

/// Starts Firecrackers in jails. The caller does not choose the jailer or the Firecracker.
class Jailer {
 public:
  virtual ~Jailer() = default;
  /// `firecracker` is the binary that the caller has probed. `unsupported`, with a hint, when jails are impossible or
  /// would start another binary.
  virtual Task<Result<>> check(std::string firecracker) = 0;
  /// Returns the running process. The Jailer removes the remains of a failed start and of an ended machine.
  virtual Task<Result<JailedProcess>> start(JailedStart start) = 0;
};

JailedStart jailed_start(const MachineConfig& config);
/// The same machine, with the names of its files inside the jail.
MachineConfig in_jail(const MachineConfig& config);

/// Before a start, makes links in the machine's directory to the future sockets in the jail.
Result<> link_sockets(const std::string& directory);
/// Moves a state that was written in the jail to its final place.
Result<> move_state_out(const std::string& directory, const SavedState& to);

}  // namespace banger::machine::firecracker

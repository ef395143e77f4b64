// What lies in a machine's directory before Firecracker is started in it.
#pragma once

#include "machine/machine.h"

namespace banger::machine::firecracker {

/// Removes the sockets of an earlier start (Firecracker ends when they are there), makes the links that lead to the
/// drives, an empty log, and what the guest boots from. Blocking.
Result<> prepare_files(const MachineConfig& config);

/// The sockets go; a process that was killed could not take them along.
void remove_sockets(const std::string& directory);

/// Whether Firecracker said at its end that all was well: for a process of which the kernel does not tell us.
bool ended_well(const std::string& directory);
/// Whether the last words on the guest's console are those of a kernel that has halted. The guest can say so any time.
bool has_halted(const std::string& directory);
/// The last lines of its log: why it ended otherwise.
std::string last_log_lines(const std::string& directory);

}  // namespace banger::machine::firecracker

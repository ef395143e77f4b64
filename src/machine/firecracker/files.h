// The files in a machine's directory before Firecracker starts there.
#pragma once

#include "machine/machine.h"

namespace banger::machine::firecracker {

/// Removes the sockets of an earlier start, with which Firecracker would not start. Makes the links to the drives, an
/// empty log, and the files that the guest boots from. Blocking.
Result<> prepare_files(const MachineConfig& config);

/// Removes the sockets, which a killed process leaves behind.
void remove_sockets(const std::string& directory);

/// Whether Firecracker logged a successful end. For a process with an exit status that the kernel does not report to
/// us.
bool ended_cleanly(const std::string& directory);
/// The last lines of Firecracker's log: the reason of a failure.
std::string last_log_lines(const std::string& directory);
/// The first error in Firecracker's log, without time and origin: the cause of the errors after it. Empty: none.
std::string first_log_error(const std::string& directory);

}  // namespace banger::machine::firecracker

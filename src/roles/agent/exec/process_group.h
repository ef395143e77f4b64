// The processes of one guest command, by process group. The group's number is not reused before the command's leader is
// reaped.
#pragma once

#include <sys/types.h>

namespace banger::roles::agent {

/// Whether `group` has a live process other than `leader` in the session that `leader` made. Reads all of /proc, so it
/// is for the rare path only.
bool group_has_others(pid_t group, pid_t leader);

/// Sends the signal to every process of the group. A process that has ended is not an error.
void signal_group(pid_t group, int number);

}  // namespace banger::roles::agent

// The processes behind one guest command, by process group. Numbers stay ours while the command's leader is not reaped.
#pragma once

#include <sys/types.h>

namespace banger::roles::agent {

/// Whether a process other than `leader` that has not ended is in `group` and in the session `leader` made.
/// Reads all of /proc: for the rare path only.
bool group_has_others(pid_t group, pid_t leader);

/// Sends to every process of the group; one that has gone is no error.
void signal_group(pid_t group, int number);

}  // namespace banger::roles::agent

// Giving up what a process with root's rights does not need, for good: capabilities, new privileges, system calls.
// For one thread only; call it before others are started.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace banger::host {

/// Keeps the capabilities in `keep` (bit N is capability number N, capabilities(7)) and drops all others, from the
/// bounding set too, so that no program started later has them. What is kept must be held already.
Result<> keep_capabilities(std::uint64_t keep);

/// What this thread may do now.
Result<std::uint64_t> effective_capabilities();

/// No program started from here on gets more than this one has (PR_SET_NO_NEW_PRIVS).
Result<> forbid_new_privileges();

/// What else than a small server does is allowed.
enum class Calls {
  few,    ///< nothing
  jails,  ///< mounts in a namespace of its own, another root, other users, device nodes; and what a VMM does in it
};

/// Allows the system calls of a small server that starts programs, and no others (docs/privileges.md); for this thread
/// and all it starts. A refused call fails with EPERM, so that an operation ends with an error and is undone instead of
/// dying halfway; a call in another architecture's numbering, which only an attacker makes, ends the process.
/// REQUIRES: forbid_new_privileges(), or CAP_SYS_ADMIN.
Result<> filter_system_calls(Calls calls = Calls::few);

}  // namespace banger::host

// Gives up the rights of root that a process does not need, for good: capabilities, new privileges, system calls. The
// functions affect one thread only, so call them before other threads start.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace banger::host {

/// Keeps the capabilities in `keep` and drops all others. Bit N is capability number N (capabilities(7)). The bounding
/// set is narrowed too, so no later program has them. The kept capabilities must be held already. The programs that
/// this thread starts have the kept ones, whoever its user is.
Result<> keep_capabilities(std::uint64_t keep);

/// The effective capabilities of this thread.
Result<std::uint64_t> effective_capabilities();

/// Programs that are started from now on get no more privileges than this process has (PR_SET_NO_NEW_PRIVS).
Result<> forbid_new_privileges();

/// The system calls that are allowed beyond those of a small server.
enum class Calls {
  few,      ///< nothing
  sockets,  ///< sockets of IPv4
  jails,    ///< mounts in a namespace of its own, another root, other users, device nodes, and the calls of a VMM
};

/// Allows only the system calls of a small server that starts programs (docs/privileges.md), for this thread and
/// everything it starts. A refused call fails with EPERM, so that an operation ends with an error and is undone. A call
/// in the numbering of another architecture, which only an attacker makes, kills the process. REQUIRES:
/// forbid_new_privileges(), or CAP_SYS_ADMIN.
Result<> filter_system_calls(Calls calls = Calls::few);

/// The sockets that a VMM makes itself. It may use all that it inherits.
enum class VmmSockets {
  none,
  internet,  ///< IPv4 and IPv6; no raw ones, except those of ICMP
};

/// A filter for SpawnSpec::system_calls. It refuses what no VMM needs: other sockets, namespaces, other processes'
/// memory, and changes to modes and times of files. It also refuses parts of the kernel that have often had faults.
/// Everything else is allowed, because VMMs differ.
std::vector<sock_filter> vmm_system_calls(VmmSockets sockets);

}  // namespace banger::host

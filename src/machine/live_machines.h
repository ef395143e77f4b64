// VMM processes found from outside, by what banger gives every one of them, whichever VMM it is: the directory of its
// VM to work in, and a token on its command line. Those in a jail work elsewhere; the jail's record leads to them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/child.h"

namespace banger::machine {

struct LiveMachine {
  host::ProcessId process;
  std::string vm_id;                ///< by the directory, which may be gone
  std::vector<std::string> tokens;  ///< all that look like one; at least one

  bool operator==(const LiveMachine&) const = default;
};

/// Those of this user in directories right below `vms`.
std::vector<LiveMachine> live_machines(const std::string& vms);

/// What that process is now; nothing when it is no machine, or not any more.
std::optional<LiveMachine> live_machine(pid_t pid, const std::string& vms);

}  // namespace banger::machine

// Finds VMM processes from outside, without a record, for every kind of VMM. Each VMM runs in the directory of its VM,
// and has a token on its command line. A jailed VMM runs elsewhere, and its jail's record leads to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/child.h"

namespace banger::machine {

struct LiveMachine {
  host::ProcessId process;
  std::string vm_id;                ///< from the directory, which may be deleted
  std::vector<std::string> tokens;  ///< all words that look like a token; at least one

  bool operator==(const LiveMachine&) const = default;
};

/// All machines of this user that run in a directory directly below `vms`.
std::vector<LiveMachine> live_machines(const std::string& vms);

/// The machine of that process; nullopt when the process is not a machine, or has ended.
std::optional<LiveMachine> live_machine(pid_t pid, const std::string& vms);

}  // namespace banger::machine

// What the guest's kernel has counted for `vm.stats`. A clone has the memory of its template, and with it the
// template's counts. So the counts of a guest with a new name begin anew.
#pragma once

#include <cstdint>
#include <string>

#include "roles/agent/proc_stats.h"

namespace banger::roles::agent {

struct Counts {
  Traffic disk, network;
  std::int64_t uptime_ms = 0;
};

/// Since the boot of the kernel.
Counts read_counts();
/// The difference. A count that went back counts as zero.
Counts operator-(const Counts& now, const Counts& before);

class CountsOfGuest {
 public:
  /// `name`: the host name of a config. The first name after a new one begins the counts anew.
  void named(const std::string& name);
  /// Reads what belongs to the time before the new name. Later than named(), because that moment is precious.
  void begin();
  Counts now();

 private:
  std::string name_;
  bool due_ = false;
  Counts before_;
};

}  // namespace banger::roles::agent

// Recovers all VMs after a daemon start, and collects what was done.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/fleet/pool.h"
#include "engine/fleet/registry.h"

namespace banger::engine {

class FleetRecovery {
 public:
  FleetRecovery(Services& services, VmRegistry& registry, Pool& pool)
      : services_(services), registry_(registry), pool_(pool), progress_(services.runtime) {}

  /// Recovers every VM, each in its own coroutine. A failed recovery is repeated until it succeeds. Returns after the
  /// first attempt for every VM, or at the deadline. A guest that was booting when the daemon died may take longer; its
  /// VM is `starting` until then.
  Task<> recover_all(host::Deadline deadline);
  /// Waits until the recovery of each VM has been tried at least once. `busy` at the deadline, with untried().
  Task<Result<>> wait(host::Deadline deadline);
  /// The VMs whose first recovery is still under way, for people: "vm 'box', vm 'web'". "" when there are none.
  std::string untried() const;
  /// What was done and what failed, for people.
  const std::vector<std::string>& summaries() const { return summaries_; }

 private:
  Task<> recover_one(std::shared_ptr<VmOwner> vm);
  Task<bool> try_once(std::shared_ptr<VmOwner> vm);
  Task<> settle(std::shared_ptr<VmOwner> vm);

  Services& services_;
  VmRegistry& registry_;
  Pool& pool_;
  std::vector<std::string> summaries_;
  std::vector<std::shared_ptr<VmOwner>> untried_;
  host::Event progress_;  ///< notified after each VM's first attempt
};

}  // namespace banger::engine

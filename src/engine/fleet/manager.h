// The front door to all VMs of this owner: creating, deleting, recovering. Finding is the registry's, and each VM's own
// life is its VmOwner's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/fleet/create.h"
#include "engine/fleet/host_memory.h"
#include "engine/fleet/pool.h"
#include "engine/fleet/registry.h"
#include "engine/fleet/templates.h"
#include "engine/services.h"
#include "engine/vm/owner.h"

namespace banger::engine {

class VmManager {
 public:
  explicit VmManager(Services& services);

  /// Reads the store; nothing is touched yet.
  Result<> load();
  /// Brings every VM to a true state, each in its own coroutine; what was done is collected in `recovered`, and what
  /// failed is tried again until it succeeds. Returns when each was tried, or at the deadline: a guest that was booting
  /// when the daemon died may take longer, and is `starting` until then.
  Task<> recover_all(host::Deadline deadline);
  /// Waits until each VM's recovery was tried, be it in vain; `busy` at the deadline.
  Task<Result<>> await_recovery(host::Deadline deadline);
  const std::vector<std::string>& recovered() const { return recovered_; }

  /// Undone when it fails or is cancelled before the guest was started; a guest that does not come up is kept, stopped.
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);
  Task<Result<>> remove(std::shared_ptr<VmOwner> vm, Force force);
  /// The same, forced, with nobody to tell of a failure but the log. Somebody else may be removing it as well.
  Task<> remove_unasked(std::shared_ptr<VmOwner> vm);

  /// `exhausted`, with the numbers, when one more machine of that size could run the host out of memory.
  Result<> check_memory(std::uint64_t memory_bytes) const { return memory_.check(memory_bytes); }
  /// The same for one that is to start; the ready pool gives way.
  Task<Result<>> make_room_for(const VmOwner& vm);
  /// Retires those templates and lets the pool's machines of them go.
  Task<> drop_templates(std::function<bool(const store::SaveRow&)> which);

  VmRegistry& registry() { return registry_; }
  const VmRegistry& registry() const { return registry_; }
  Templates& templates() { return templates_; }
  Pool& pool() { return pool_; }
  host::Foreground& foreground() { return foreground_; }

 private:
  Task<> recover_one(std::shared_ptr<VmOwner> vm);
  Task<bool> try_recovery(std::shared_ptr<VmOwner> vm);

  Services& services_;
  std::vector<std::string> recovered_;
  std::size_t recovering_ = 0;
  host::Event recovery_;  ///< notified when one has been recovered
  host::Foreground foreground_;
  VmRegistry registry_;
  HostMemory memory_;
  Templates templates_;
  Pool pool_;
  VmCreation creation_;
};

}  // namespace banger::engine

// The front door to all VMs of this owner: creates, deletes and recovers VMs. The registry finds VMs, and each VmOwner
// runs the life of its VM.
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

  /// Reads the store. Does not touch any VM yet.
  Result<> load();
  /// Recovers every VM, each in its own coroutine, and collects the summaries in recovered(). A failed recovery is
  /// repeated until it succeeds. Returns after the first attempt for every VM, or at the deadline. A guest that was
  /// booting when the daemon died may take longer; its VM is `starting` until then.
  Task<> recover_all(host::Deadline deadline);
  /// Waits until the recovery of each VM has been tried at least once. `busy` at the deadline.
  Task<Result<>> await_recovery(host::Deadline deadline);
  const std::vector<std::string>& recovered() const { return recovered_; }

  /// As VmCreation::create().
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);
  Task<Result<>> remove(std::shared_ptr<VmOwner> vm, Force force);
  /// Removes the VM by force, and logs a failure. Another caller may be removing the VM at the same time.
  Task<> remove_or_log(std::shared_ptr<VmOwner> vm);

  /// `exhausted`, with the numbers, when another machine of that size could use up the host's memory.
  Result<> check_memory(std::uint64_t memory_bytes) const { return memory_.check(memory_bytes); }
  /// The same check for a VM that is about to start. If it fails, the ready pool's machines are removed first.
  Task<Result<>> make_room_for(const VmOwner& vm);
  /// Retires the templates for which `which` is true, and removes the ready pool's machines of these templates.
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
  host::Event recovery_;  ///< notified after each VM's first attempt
  host::Foreground foreground_;
  VmRegistry registry_;
  HostMemory memory_;
  Templates templates_;
  Pool pool_;
  VmCreation creation_;
};

}  // namespace banger::engine

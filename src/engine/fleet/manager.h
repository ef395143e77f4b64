// The front door to all VMs of this owner: creates, deletes and recovers VMs. The registry finds VMs, and each VmOwner
// runs the life of its VM.
#pragma once

#include <memory>

#include "engine/fleet/create.h"
#include "engine/fleet/host_memory.h"
#include "engine/fleet/pool.h"
#include "engine/fleet/recovery.h"
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
  FleetRecovery& recovery() { return recovery_; }

  /// As VmCreation::create().
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);
  Task<Result<>> remove(std::shared_ptr<VmOwner> vm, Force force);

  /// `exhausted`, with the numbers, when another machine of that size could use up the host's memory.
  Result<> check_memory(std::uint64_t memory_bytes) const { return memory_.check(memory_bytes); }
  /// The same check for a VM that is about to start. If it fails, the ready pool's machines are removed first.
  Task<Result<>> make_room_for(const VmOwner& vm);
  /// Stops a VM and starts it again, if the host has memory for it. Returns the reason if the guest was forced to end.
  Task<Result<std::string>> restart(std::shared_ptr<VmOwner> vm, std::chrono::milliseconds timeout, Stages& stages,
                                    host::Cancel& cancel, WaitFor wait);

  VmRegistry& registry() { return registry_; }
  Templates& templates() { return templates_; }
  Pool& pool() { return pool_; }
  host::Foreground& foreground() { return foreground_; }

 private:
  Services& services_;
  host::Foreground foreground_;
  VmRegistry registry_;
  HostMemory memory_;
  Templates templates_;
  Pool pool_;
  VmCreation creation_;
  FleetRecovery recovery_;
};

}  // namespace banger::engine

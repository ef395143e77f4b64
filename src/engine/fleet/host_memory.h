// The memory budget of this host, filled in with the memory that banger may still use and the claims of all VMs.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/fleet/pool.h"
#include "engine/fleet/registry.h"
#include "host/memory.h"

namespace banger::engine {

class HostMemory {
 public:
  using Available = std::function<Result<host::MemoryRoom>()>;
  HostMemory(const config::Config& config, const VmRegistry& registry, Available available = host::available_memory)
      : config_(config), registry_(registry), available_(std::move(available)) {}

  /// `exhausted`, with the numbers, when another machine of that size could use up the host's memory.
  Result<> check(std::uint64_t memory_bytes) const;
  /// The same check. If it fails, the ready pool's machines are removed and the check is repeated.
  Task<Result<>> make_room(std::uint64_t memory_bytes, Pool& pool) const;

 private:
  const config::Config& config_;
  const VmRegistry& registry_;
  const Available available_;
};

}  // namespace banger::engine

// The host's memory, shared by all VMs: the budget filled in with this host and these VMs.
#pragma once

#include <cstdint>

#include "engine/fleet/pool.h"
#include "engine/fleet/registry.h"

namespace banger::engine {

class HostMemory {
 public:
  HostMemory(const config::Config& config, const VmRegistry& registry) : config_(config), registry_(registry) {}

  /// `exhausted`, with the numbers, when one more machine of that size could run the host out of memory.
  Result<> check(std::uint64_t memory_bytes) const;
  /// The same; the ready pool gives way, for the pool only borrows its memory.
  Task<Result<>> make_room(std::uint64_t memory_bytes, Pool& pool) const;

 private:
  const config::Config& config_;
  const VmRegistry& registry_;
};

}  // namespace banger::engine

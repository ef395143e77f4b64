// What of the host's memory may still be promised to a machine. A pure sum over plain values.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace banger::engine {

/// One VM's part in the host's memory.
struct MemoryClaim {
  enum class Machine {
    none,      ///< it has no machine and none is on its way
    expected,  ///< one will run soon: all of it is promised
    running,   ///< what it has not touched yet is promised; the rest is already missing in what is available
  } machine = Machine::none;
  std::uint64_t memory_bytes = 0;  ///< of its spec
  std::uint64_t own_bytes = 0;     ///< what a running machine has to itself
};

/// What these VMs may still take of what is available.
std::uint64_t promised_bytes(std::span<const MemoryClaim> claims);

struct MemoryBudget {
  std::uint64_t available_bytes = 0;       ///< of the host, at this moment
  std::uint32_t overcommit_percent = 100;  ///< how much of it may be promised
  std::uint64_t promised_bytes = 0;

  /// `exhausted`, with the numbers, when one more machine of that size could run the host out of memory. Zero asks
  /// whether the promises alone could.
  Result<> check(std::uint64_t memory_bytes) const;
};

}  // namespace banger::engine

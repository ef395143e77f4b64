// How much of the host's memory is still free for another machine. A pure sum over plain values.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace banger::engine {

/// The claim of one VM on the host's memory.
struct MemoryClaim {
  enum class Machine {
    none,      ///< there is no machine, and none is starting
    expected,  ///< a machine will run soon; all its memory is promised
    running,   ///< its untouched memory is promised; the rest is used already
  } machine = Machine::none;
  std::uint64_t memory_bytes = 0;  ///< the memory in the spec
  std::uint64_t own_bytes = 0;     ///< memory that a running machine has used and does not share
};

/// Memory that these VMs may still take from the available memory.
std::uint64_t promised_bytes(std::span<const MemoryClaim> claims);

struct MemoryBudget {
  std::uint64_t available_bytes = 0;       ///< free memory at this moment
  std::uint32_t overcommit_percent = 100;  ///< the part of the free memory that may be promised
  std::uint64_t promised_bytes = 0;
  std::string owner = "the host";  ///< whose memory is available: the host's, or what a cgroup allows

  /// `exhausted`, with the numbers, when another machine of that size could use up the host's memory. With zero, the
  /// check covers only the promises made so far.
  Result<> check(std::uint64_t memory_bytes) const;
};

}  // namespace banger::engine

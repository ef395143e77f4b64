#include "engine/fleet/memory_budget.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/bounds.h"

namespace banger::engine {

namespace {

std::uint64_t promised_to(const MemoryClaim& claim) {
  switch (claim.machine) {
    case MemoryClaim::Machine::none:
      return 0;
    case MemoryClaim::Machine::expected:
      return claim.memory_bytes;
    case MemoryClaim::Machine::running:
      return claim.memory_bytes > claim.own_bytes ? claim.memory_bytes - claim.own_bytes : 0;
  }
  return 0;
}

}  // namespace

std::uint64_t promised_bytes(std::span<const MemoryClaim> claims) {
  std::uint64_t sum = 0;
  for (const auto& claim : claims) sum += promised_to(claim);
  return sum;
}

Result<> MemoryBudget::check(std::uint64_t memory_bytes) const {
  auto allowed = available_bytes / 100 * overcommit_percent;
  auto overhead = memory_bytes > 0 ? limits::kVmmOverheadBytes : 0;
  if (promised_bytes + memory_bytes + overhead <= allowed) return {};
  return fail(ErrorCode::exhausted,
              fmt::format("a VM of {} does not fit: {} has {} of free memory, of which {} are promised to other VMs",
                          format_size(memory_bytes), owner, format_size(available_bytes), format_size(promised_bytes)),
              "stop other VMs, give this VM less --memory, or raise memory_overcommit in the config");
}

}  // namespace banger::engine

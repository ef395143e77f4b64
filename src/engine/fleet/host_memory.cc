#include "engine/fleet/host_memory.h"

#include "engine/fleet/memory_budget.h"

namespace banger::engine {

namespace {

MemoryClaim claim_of(const VmOwner& vm) {
  using Machine = MemoryClaim::Machine;
  auto machine = vm.parts().machine->get();
  if (machine && machine->running())
    return {.machine = Machine::running,
            .memory_bytes = vm.record().spec().memory_bytes,
            .own_bytes = machine->own_memory_bytes()};
  bool expected = vm.state() == vm::State::starting || vm.state() == vm::State::creating;
  return {.machine = expected ? Machine::expected : Machine::none, .memory_bytes = vm.record().spec().memory_bytes};
}

}  // namespace

Result<> HostMemory::check(std::uint64_t memory_bytes) const {
  std::vector<MemoryClaim> claims;
  for (const auto& vm : registry_.everything()) claims.push_back(claim_of(*vm));
  auto room = TRY(available_());
  MemoryBudget budget{.available_bytes = room.bytes,
                      .overcommit_percent = config_.memory_overcommit,
                      .promised_bytes = promised_bytes(claims),
                      .owner = room.owner()};
  return budget.check(memory_bytes);
}

Task<Result<>> HostMemory::make_room(std::uint64_t memory_bytes, Pool& pool) const {
  auto room = check(memory_bytes);
  if (room || pool.members().empty()) co_return room;
  co_await pool.remove_ready();
  co_return check(memory_bytes);
}

}  // namespace banger::engine

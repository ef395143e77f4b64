#include "capabilities/bridge/idle_taps.h"

namespace banger::capabilities {

Task<Result<>> IdleTaps::add() {
  auto number = CO_TRY(taps_.free_number());
  idle_.push_back({number, CO_TRY(co_await taps_.create_idle(number))});
  co_return Result<>{};
}

std::optional<IdleTap> IdleTaps::take() {
  if (idle_.empty()) return std::nullopt;
  auto tap = std::move(idle_.back());
  idle_.pop_back();
  return tap;
}

void IdleTaps::discard() {
  while (auto tap = take()) taps_.discard(tap->number);
}

}  // namespace banger::capabilities

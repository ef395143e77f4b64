// A VM's place on the bridge, from the start of its machine to the end.
#include "base/bounds.h"
#include "engine/vm/owner.h"

namespace banger::engine {

Task<Result<>> VmOwner::join_network() {
  if (!bridged()) co_return Result<>{};
  tap_ = CO_TRY(in("network", co_await services_.bridge.join(row_.id)));
  co_return Result<>{};
}

// After the machine was started, which costs it nothing: until now nothing passed its tap, and no guest is that fast.
Task<Result<>> VmOwner::enter_network() {
  tap_.reset();
  if (!bridged()) co_return Result<>{};
  co_return in("network", co_await services_.bridge.let_on(row_.id, spec_.nat));
}

Task<> VmOwner::leave_network() {
  tap_.reset();
  co_await services_.bridge.leave(row_.id);
}

// First what holds whatever the guest does, then what the guest should know.
Task<Result<>> VmOwner::change_network() {
  CO_TRY(in("network", co_await services_.bridge.let_on(row_.id, spec_.nat)));
  if (!client_ || !client_->alive()) co_return Result<>{};
  if (auto told = co_await configure(client_, false); !told)
    services_.log.warn("vm.configure_failed", {{"vm", row_.name}, {"id", row_.id}, {"error", told.error().sentence()}});
  co_return Result<>{};
}

}  // namespace banger::engine

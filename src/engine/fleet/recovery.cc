#include "engine/fleet/recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "engine/bounds.h"

namespace banger::engine {

// True when nothing is left to recover.
Task<bool> FleetRecovery::try_once(std::shared_ptr<VmOwner> vm) {
  auto what = co_await vm->recover();
  const auto& name = vm->record().name();
  if (!what) {
    auto failure = fmt::format("vm '{}': could not be recovered: {}", name, what.error().message);
    // A repeated failure is reported only once.
    if (std::ranges::find(summaries_, failure) != summaries_.end()) co_return false;
    services_.log.error("vm.recover_failed", {{"vm", name}, {"error", what.error().sentence()}});
    summaries_.push_back(std::move(failure));
    co_return false;
  }
  if (!what->empty()) {
    services_.log.info("vm.recovered", {{"vm", name}, {"what", *what}});
    summaries_.push_back(*what);
  }
  co_await settle(std::move(vm));
  co_return true;
}

// A pool machine that kept running goes back to the pool. An unfinished template is removed and made again when needed.
Task<> FleetRecovery::settle(std::shared_ptr<VmOwner> vm) {
  const auto& record = vm->record();
  const auto& row = record.row();
  bool pooled = row.purpose == store::Purpose::pool && record.state() == vm::State::running &&
                row.started_from == store::StartedFrom::clone;
  if (pooled) {
    pool_.adopt(vm);
  } else if (row.purpose != store::Purpose::user && !record.gone()) {
    if (auto removed = co_await vm->remove(Force::yes); !removed)
      services_.log.error("vm.recover_failed", {{"vm", row.name}, {"error", removed.error().sentence()}});
  }
  if (record.gone()) registry_.forget(row.id);
}

Task<> FleetRecovery::recover_one(std::shared_ptr<VmOwner> vm) {
  bool done = co_await try_once(vm);
  std::erase(untried_, vm);
  progress_.notify_all();
  while (!done) {
    co_await services_.runtime.sleep_for(limits::kRecoveryRetry);
    done = co_await try_once(vm);
  }
}

Task<> FleetRecovery::recover_all(host::Deadline deadline) {
  for (const auto& vm : registry_.everything()) {
    untried_.push_back(vm);
    services_.runtime.spawn(recover_one(vm));
  }
  (void)co_await wait(deadline);
}

// Machines without a user have no name that a person knows.
std::string FleetRecovery::untried() const {
  std::vector<std::string> names;
  std::size_t others = 0;
  for (const auto& vm : untried_)
    if (vm->record().row().purpose == store::Purpose::user && names.size() < limits::kNamedVms)
      names.push_back(fmt::format("vm '{}'", vm->record().name()));
    else
      ++others;
  if (others > 0) names.push_back(fmt::format("{} more", others));
  return join(names, ", ");
}

Task<Result<>> FleetRecovery::wait(host::Deadline deadline) {
  while (!untried_.empty()) {
    if (host::Clock::now() >= deadline)
      co_return fail(ErrorCode::busy, fmt::format("the daemon is still recovering {} after its start", untried()),
                     "banger vm list shows the VMs that are starting; try again in a minute");
    co_await progress_.wait(deadline);
  }
  co_return Result<>{};
}

}  // namespace banger::engine

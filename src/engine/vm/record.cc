#include "engine/vm/record.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "engine/events/vm_events.h"

namespace banger::engine {

VmRecord::VmRecord(host::Runtime& runtime, const Logger& log, store::Store& store, store::VmRow row, vm::Spec spec,
                   EventLog* events)
    : log_(log),
      store_(store),
      row_(std::move(row)),
      spec_(std::move(spec)),
      state_(vm::state_from_string(row_.state).value_or(vm::State::stopped)),
      events_(events),
      created_(state_ != vm::State::creating),
      changed_(runtime) {}

Result<> VmRecord::edit(const Edit& change, Durable durable) {
  auto row = row_;
  auto spec = spec_;
  change(row, spec);
  row.spec = dump_json(vm::to_json(spec));
  TRY(store_.update_vm(row, durable));
  auto before = std::exchange(row_, std::move(row));
  spec_ = std::move(spec);
  if (events_)
    for (auto& event : events_of_change(before, row_)) events_->add(std::move(event));
  return {};
}

Result<> VmRecord::move_to(vm::State state, const Edit& change, Durable durable) {
  if (state == state_) return change ? edit(change, durable) : Result<>();
  if (!vm::can_move(state_, state))
    return fail(ErrorCode::busy, fmt::format("vm '{}' is {} and cannot become {} now", row_.name, vm::to_string(state_),
                                             vm::to_string(state)));
  auto write = [&](store::VmRow& row, vm::Spec& spec) {
    if (change) change(row, spec);
    row.state = vm::to_string(state);
  };
  TRY(edit(write, durable));
  auto old = std::exchange(state_, state);
  created_ = created_ || state != vm::State::deleting;
  since_ = host::Clock::now();
  log_.info("vm.state",
            {{"vm", row_.name}, {"id", row_.id}, {"from", std::string(vm::to_string(old))}, {"to", row_.state}});
  changed_.notify_all();
  return {};
}

Result<> VmRecord::erase() {
  TRY(store_.delete_vm(row_.id));
  store_.keep_reserve();  // a deleted VM has freed some room, which a guest that waits for room would take
  gone_ = true;
  if (created_) report(vm::Event::deleted);
  log_.info("vm.deleted", {{"vm", row_.name}, {"id", row_.id}});
  changed_.notify_all();
  return {};
}

void VmRecord::report(vm::Event event, std::string detail) const {
  if (events_ && row_.purpose == store::Purpose::user) events_->add(event_of(row_, event, std::move(detail)));
}

Result<vm::Admission> VmRecord::admit(vm::Operation operation) const {
  return vm::admit(operation, gone_ ? std::nullopt : std::optional(state_), row_.name);
}

}  // namespace banger::engine

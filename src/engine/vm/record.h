// The record of one VM: its row in the store, the spec and the state. VmRecord is the only writer of the row. Every
// change goes to the store first and to memory afterwards, so memory never has anything that the store lacks.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "engine/events/event_log.h"
#include "host/runtime.h"
#include "store/store.h"
#include "vm/admission.h"
#include "vm/spec.h"
#include "vm/state.h"

namespace banger::engine {

class VmRecord {
 public:
  /// `row` is already in the store. `spec` is the parsed form of `row.spec`. An unknown state counts as stopped.
  /// `events`: gets the events of all changes; may be null.
  VmRecord(host::Runtime& runtime, const Logger& log, store::Store& store, store::VmRow row, vm::Spec spec,
           EventLog* events = nullptr);

  const store::VmRow& row() const { return row_; }
  const std::string& id() const { return row_.id; }
  const std::string& name() const { return row_.name; }
  const vm::Spec& spec() const { return spec_; }
  vm::State state() const { return state_; }
  /// The VM was deleted: erase() succeeded.
  bool gone() const { return gone_; }
  /// The time of the last change of state.
  host::Clock::time_point since() const { return since_; }

  using Edit = std::function<void(store::VmRow& row, vm::Spec& spec)>;
  Result<> edit(const Edit& change, Durable durable = Durable::yes);
  /// Writes `change` and the new state together. `busy` when vm/state.h has no such transition. The same state is fine.
  Result<> move_to(vm::State state, const Edit& change = {}, Durable durable = Durable::yes);
  Result<> erase();
  /// Adds an event that changes no field of the record.
  void report(vm::Event event, std::string detail = "") const;
  /// vm::admit() for the current state of this VM.
  Result<vm::Admission> admit(vm::Operation operation) const;

  /// Notified on every change of state. Other parts of the VM also notify it: link, machine and recovery.
  host::Event& changed() { return changed_; }

 private:
  const Logger& log_;
  store::Store& store_;
  store::VmRow row_;
  vm::Spec spec_;
  vm::State state_;
  EventLog* events_;
  bool created_;  ///< the VM has been created as a whole, so that its end is an event
  bool gone_ = false;
  host::Clock::time_point since_ = host::Clock::now();
  host::Event changed_;
};

}  // namespace banger::engine

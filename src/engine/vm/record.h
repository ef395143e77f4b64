// What is recorded of one VM: its row in the store, the spec and the state. The only writer of the row: every change is
// written to the store first and kept then, so that memory never says more than the store.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "host/runtime.h"
#include "store/store.h"
#include "vm/admission.h"
#include "vm/spec.h"
#include "vm/state.h"

namespace banger::engine {

class VmRecord {
 public:
  /// `row` is already in the store. Its state and spec hold, whatever its texts say.
  VmRecord(host::Runtime& runtime, const Logger& log, store::Store& store, store::VmRow row, vm::Spec spec);

  const store::VmRow& row() const { return row_; }
  const vm::Spec& spec() const { return spec_; }
  vm::State state() const { return state_; }
  /// The VM was deleted: erase() succeeded.
  bool gone() const { return gone_; }
  /// Since when it has been in this state.
  host::Clock::time_point since() const { return since_; }

  using Edit = std::function<void(store::VmRow& row, vm::Spec& spec)>;
  Result<> edit(const Edit& change);
  /// The same, and the new state in one write. `busy` where vm/state.h has no arrow. To stay is fine.
  Result<> move_to(vm::State state, const Edit& change = {});
  Result<> erase();
  /// vm::admit() for this VM as it is now.
  Result<vm::Admission> admit(vm::Operation operation) const;

  /// Notified on every change of state, and by others of what concerns the VM.
  host::Event& changed() { return changed_; }

 private:
  const Logger& log_;
  store::Store& store_;
  store::VmRow row_;
  vm::Spec spec_;
  vm::State state_;
  bool gone_ = false;
  host::Clock::time_point since_ = host::Clock::now();
  host::Event changed_;
};

}  // namespace banger::engine

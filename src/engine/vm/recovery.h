// After a daemon start: each VM is brought to a state that is true, by what the store says was under way. What is to be
// done is planned by pure functions, and done by recover().
#pragma once

#include <string>

#include "engine/vm/starting.h"

namespace banger::engine {

enum class RecoveryAction {
  nothing,
  discard,          ///< the VM goes, with everything it has
  stop,             ///< its machine ends, if there is one
  suspend,          ///< the same, and it is suspended as recorded
  adopt_suspended,  ///< the same, and it goes on from the state that was saved last
  adopt,            ///< its machine runs on, if it still does
  undo_suspend,     ///< back to running; then as adopt
};

struct RecoveryPlan {
  RecoveryAction action = RecoveryAction::nothing;
  std::string told;  ///< what was done, for people; "": nothing worth telling
};

/// What the saved states say of a VM.
struct SavesOfVm {
  bool has_own = true;     ///< the one it is to go on from is there, or it needs none
  bool suspended = false;  ///< a suspend was saved whole that its record does not name yet
};
RecoveryPlan plan_recovery(const store::VmRow& row, vm::State state, const SavesOfVm& saves);

/// What a VM becomes whose machine is not there to be adopted.
enum class GuestRan { no, maybe };
struct LostMachine {
  vm::State state;
  std::string last_error;
  std::string told;
};
LostMachine plan_without_machine(const std::string& name, vm::State state, bool resumes, GuestRan ran);

/// Finishes or undoes what a crash left. Returns what was done, in words, or "".
Task<Result<std::string>> recover(VmParts& vm, Start start);

}  // namespace banger::engine

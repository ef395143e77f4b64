// After a daemon start, recovery makes the record of each VM true again. Pure functions plan the action from the
// record. recover() carries out the plan.
#pragma once

#include <optional>
#include <string>

#include "engine/vm/ending.h"
#include "engine/vm/starting.h"

namespace banger::engine {

enum class RecoveryAction {
  nothing,
  discard,          ///< removes the VM with everything that belongs to it
  stop,             ///< ends the machine, if there is one
  suspend,          ///< ends the machine; the VM stays suspended as recorded
  finish_restore,   ///< moves the snapshot's disks into place
  adopt_suspended,  ///< ends the machine; the VM is suspended with the newest saved state
  adopt,            ///< takes over the machine, if it still runs
  undo_suspend,     ///< back to running, then as adopt
};

struct RecoveryPlan {
  RecoveryAction action = RecoveryAction::nothing;
  std::string summary;  ///< for people; "": nothing worth reporting
};

/// The saved states of a VM.
struct SavedStatesOfVm {
  bool has_own = true;     ///< the recorded saved state exists, or the record names none
  bool suspended = false;  ///< a suspend was saved completely, but the record does not name it yet
};
RecoveryPlan plan_recovery(const store::VmRow& row, vm::State state, const SavedStatesOfVm& saves);

/// What happens to a VM whose machine is gone.
enum class GuestRan { no, maybe };
struct LostMachine {
  vm::State state;
  Ended ended;
  std::string summary;
};
/// `saved`: the kind of the saved state that the record names, if any. `end`: how the guest has ended, if that is
/// known.
LostMachine plan_without_machine(const std::string& name, vm::State state, std::optional<store::SaveKind> saved,
                                 GuestRan ran, const std::optional<machine::MachineExit>& end);

struct Recovered {
  std::string summary;   ///< for people; "": nothing worth reporting
  bool reboots = false;  ///< the guest has rebooted: the VM is stopped, and is to be started again
};
/// Finishes or undoes the operation that a crash interrupted.
Task<Result<Recovered>> recover(VmParts& vm, Start start);

}  // namespace banger::engine

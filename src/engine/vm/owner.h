// The one owner of a VM's state. Every operation takes the VM's turn, is admitted by vm/admission.h, writes the new
// state to the store before its effect, and leaves one of vm::State behind whatever happens. What the operations do is
// in starting, ending, saving, restore and recovery; others only ask.
#pragma once

#include <memory>
#include <string>

#include "engine/services.h"
#include "engine/stages.h"
#include "engine/vm/parts.h"
#include "engine/vm/restore.h"
#include "engine/vm/saving.h"
#include "engine/vm/starting.h"

namespace banger::engine {

/// Whether a VM that runs is removed, too.
enum class Force { no, yes };

class VmOwner : public std::enable_shared_from_this<VmOwner> {
 public:
  /// `row` is already in the store.
  VmOwner(Services& services, store::VmRow row, vm::Spec spec);

  const store::VmRow& row() const { return vm_.row(); }
  const vm::Spec& spec() const { return vm_.spec(); }
  vm::State state() const { return vm_.record->state(); }
  bool gone() const { return vm_.record->gone(); }
  /// Machine, link, use and files, for whoever only asks.
  const VmParts& parts() const { return vm_; }

  /// From `creating`: makes the directory and the disks (copies of those of the saved state `disks_of`, if one is
  /// named), ends in `stopped`. On failure the caller undoes with remove().
  Task<Result<>> make(Stages& stages, host::Cancel& cancel, std::string disks_of = "");
  /// A running VM is fine. `memory_file`: a template's machine has its memory in this file.
  Task<Result<>> start(Stages& stages, host::Cancel& cancel, WaitFor wait, std::string memory_file = "");
  /// A suspended VM is `stopped` then, as after a power failure.
  Task<Result<>> discard_saved_memory();
  /// Asks the guest, waits, then forces. A stopped VM is fine.
  Task<Result<>> stop(std::chrono::milliseconds patience);
  /// Ends it at once, also a start or stop that is under way.
  Task<Result<>> kill();
  Task<Result<>> suspend(Stages& stages);
  Task<Result<SavedVm>> save_as(store::SaveRow row, Stages& stages, CanStart can_start = {});
  Task<Result<>> restore(const store::SaveRow& snapshot);
  Task<Result<>> claim(Claim claim, Stages& stages);
  /// It outlives its client from now on.
  Result<> make_permanent();
  /// Runs what every first command runs, and what claim() will do.
  Task<Result<>> warm_up();
  /// It is only to be removed then.
  Task<Result<>> become_template(std::string save_id, std::string key, Stages& stages);
  /// Removes everything. `busy` when it runs, unless that is forced.
  Task<Result<>> remove(Force force);
  /// Changes the record; the new spec holds from the next start on, or at once where the host resources can do that.
  /// Disks only grow.
  Task<Result<capabilities::TakesEffect>> change(std::string name, vm::Spec spec);
  /// Releases what a crash left of its host resources, unless it runs.
  Task<> release_left();
  /// What the store says of it may not be true: recover() is to come before anything else.
  void expect_recovery() { recovery_due_ = true; }
  /// After a daemon start: finishes or undoes what a crash left. Returns what was done, in words, or "". What failed is
  /// tried again by the next call, or by the next operation.
  Task<Result<std::string>> recover();

 private:
  /// The VM's turn, in a true state.
  Task<Result<host::Mutex::Lock>> take_turn();
  Task<Result<std::string>> try_recovery();
  /// Whoever waits for the VM, or works on it, is to give up: the turn is wanted now.
  void abort();
  Start start_of(Stages& stages, WaitFor wait, std::function<bool()> cancelled);
  Task<Result<>> stop_machine(std::chrono::milliseconds patience);
  static Task<> on_exit(std::shared_ptr<VmOwner> self, RunningMachine::Machine ended, machine::MachineExit exit);

  VmParts vm_;
  host::Mutex turn_;
  bool abort_ = false;
  bool recovery_due_ = false;
};

}  // namespace banger::engine

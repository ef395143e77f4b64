// The only owner of a VM's state. Every operation takes the VM's turn and asks vm/admission.h for permission. Then the
// operation writes the new state to the store before its effect. Afterwards the VM is always in one of vm::State.
// The effects are in starting, ending, saving, restore, recovery and wake.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/services.h"
#include "engine/stages.h"
#include "engine/vm/attention.h"
#include "engine/vm/ending.h"
#include "engine/vm/parts.h"
#include "engine/vm/reboots.h"
#include "engine/vm/recovery.h"
#include "engine/vm/restore.h"
#include "engine/vm/saving.h"
#include "engine/vm/starting.h"

namespace banger::engine {

/// Whether a running VM is removed, too.
enum class Force { no, yes };

/// Whether the record may be outdated, because another daemon wrote it. Then recovery runs before any operation.
enum class Recovery { unneeded, due };

class VmOwner : public std::enable_shared_from_this<VmOwner> {
 public:
  /// `row` is already in the store.
  VmOwner(Services& services, store::VmRow row, vm::Spec spec, Recovery recovery = Recovery::unneeded);

  const VmRecord& record() const { return *vm_.record; }
  /// The state of the record, or `stopped` while a full disk keeps the record from following.
  vm::State state() const { return unrecorded_ ? vm::State::stopped : record().state(); }
  /// Machine, link, use and files, for callers that only read.
  const VmParts& parts() const { return vm_; }

  /// From `creating` to `stopped`: makes the directory and the disks. `disks_of`: the id of a saved state whose disks
  /// are copied; empty: new disks. Not durable if a start follows, which records a state of its own. On failure the
  /// caller calls remove().
  Task<Result<>> make(Stages& stages, host::Cancel& cancel, std::string disks_of = "", Durable durable = Durable::yes);
  /// Does nothing for a running VM, but lets a guest go on that the VMM has paused.
  Task<Result<>> start(Stages& stages, host::Cancel& cancel, WaitFor wait, StartWish wish = {});
  /// Turns a suspended VM into a stopped VM, as after a power failure.
  Task<Result<>> discard_saved_memory();
  /// Asks the guest to shut down, waits, then forces it. Does nothing for a stopped VM. Returns why the machine was
  /// killed; empty: the guest has shut down.
  Task<Result<std::string>> stop(std::chrono::milliseconds timeout);
  /// Ends the machine at once. Also interrupts a running start or stop.
  Task<Result<>> kill();
  Task<Result<>> suspend(Stages& stages);
  Task<Result<SavedVm>> save_as(store::SaveRow row, Stages& stages, CanStart can_start = {});
  /// Replaces the VM's disks by those of its own snapshot. `force` also allows the loss of saved memory.
  Task<Result<>> restore(const store::SaveRow& snapshot, Force force);
  Task<Result<>> claim(Claim claim, Stages& stages);
  /// The VM outlives its client from now on.
  Result<> make_permanent();
  /// Runs the code of every first command, and the code that claim() will run.
  Task<Result<>> warm_up();
  /// Afterwards the VM can only be removed.
  Task<Result<>> become_template(std::string save_id, std::string key, Stages& stages);
  /// Removes everything. `busy` when the VM runs, unless the removal is forced.
  Task<Result<>> remove(Force force);
  /// Changes the record. The new spec takes effect at the next start, or at once if the host resources can change it.
  /// Disks only grow.
  Task<Result<capabilities::TakesEffect>> change(std::string name, vm::Spec spec);
  /// Admits the guest of a running machine to its host resources again, because one of them has changed.
  static Task<> admit_again(std::shared_ptr<VmOwner> self);
  /// Looks after a running guest once: lets a paused guest go on, notes a silent guest, and ends a machine whose guest
  /// has halted. While an operation holds the turn, only notes whether the guest is silent.
  static Task<> look_after(std::shared_ptr<VmOwner> self);
  /// Releases host resources and removes files that a crash left behind, unless the VM runs.
  Task<> release_leftovers();
  /// After a daemon start: finishes or undoes operations that a crash interrupted. A guest that has rebooted meanwhile
  /// is started afterwards. Returns a summary for people, or "".
  /// The next call or the next operation repeats a recovery that failed.
  Task<Result<std::string>> recover();

 private:
  /// Takes the VM's turn and finishes a due recovery.
  Task<Result<host::Mutex::Lock>> take_turn();
  /// The same for an operation that ends or removes the VM. An end that is not recorded yet does not hold it up.
  Task<Result<host::Mutex::Lock>> take_turn_to_end();
  Task<Result<Recovered>> try_recovery();
  /// Starts a VM whose guest has rebooted while no daemon ran, unless it is ended or restored first.
  static Task<> finish_reboot(std::shared_ptr<VmOwner> self);
  /// Makes the operation that holds the turn give up, so that the turn becomes free soon.
  void abort();
  Start start_of(Stages& stages, WaitFor wait, std::function<bool()> cancelled);
  /// Records that the machine has ended. On a full disk the record follows when it can.
  Task<Result<>> record_end(Ended ended);
  static Task<> on_exit(std::shared_ptr<VmOwner> self, RunningMachine::Machine ended, machine::MachineExit exit);
  /// What becomes of a VM whose machine has ended by itself.
  Task<Result<>> settle_exit(const machine::MachineExit& exit);
  Task<Result<>> boot_again();

  VmParts vm_;
  host::Mutex turn_;
  bool abort_ = false;
  Attention attention_;
  std::optional<Ended> unrecorded_;  ///< the machine has ended so, and the record does not have it yet
  Recovery recovery_;
  RebootLimit reboots_;
  bool reboot_due_ = false;
};

}  // namespace banger::engine

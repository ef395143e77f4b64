// The one owner of a VM's state. Every operation takes the VM's turn, writes the new state to the store before its effect, and
// leaves one of vm::State behind whatever happens. Others only ask.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "capabilities/capability.h"
#include "link/link.h"
#include "machine/machine.h"
#include "roles/daemon/services.h"
#include "roles/daemon/stages.h"
#include "store/store.h"
#include "vm/spec.h"
#include "vm/state.h"

namespace banger::roles::daemon {

/// What `vm.create` and `vm.start` wait for.
enum class WaitFor { agent, system };

class VmOwner : public std::enable_shared_from_this<VmOwner> {
 public:
  /// `row` is already in the store.
  VmOwner(Services& services, store::VmRow row, vm::Spec spec);

  const store::VmRow& row() const { return row_; }
  const vm::Spec& spec() const { return spec_; }
  vm::State state() const { return state_; }
  std::string directory() const;
  /// The VM object of docs/rpc.md.
  Json describe() const;

  /// From `creating`: makes the directory and the disks, ends in `stopped`. On failure the caller undoes with remove().
  Task<Result<>> make(Stages& stages, host::Cancel& cancel);
  /// From `stopped`; a running VM is fine. A failure leaves it `stopped` with last_error set.
  Task<Result<>> start(Stages& stages, host::Cancel& cancel, WaitFor wait);
  /// Asks the guest, waits, then forces. A stopped VM is fine.
  Task<Result<>> stop(std::chrono::milliseconds patience);
  /// Ends it at once, also a start or stop that is under way.
  Task<Result<>> kill();
  /// Removes everything. `busy` when it runs and `force` is not set.
  Task<Result<>> remove(bool force);
  /// Changes the record; the new spec holds from the next start on. Disks only grow.
  Task<Result<>> change(std::string name, vm::Spec spec);
  /// After a daemon start: finishes or undoes what a crash left. Returns what was done, in words, or "".
  Task<Result<std::string>> recover();

  /// The link to a running VM's agent, waiting for a reconnect up to the deadline.
  Task<Result<std::shared_ptr<link::Client>>> agent(host::Deadline deadline);
  const std::shared_ptr<machine::Machine>& machine() const { return machine_; }
  bool gone() const { return gone_; }
  /// True once a VMM process was started by the last start(), even if it has ended since.
  bool machine_was_started() const { return launched_; }
  /// Notified on every change of state.
  host::Event& changed() { return changed_; }

 private:
  Result<> move_to(vm::State state);
  Result<> save() { return services_.store.update_vm(row_); }
  Task<Result<capabilities::VmContext>> context();

  Task<Result<>> prepare_disks(Stages& stages);
  Task<Result<>> boot(Stages& stages, host::Cancel& cancel, WaitFor wait);
  Task<Result<>> launch(Stages& stages, const capabilities::VmContext& context);
  Task<Result<>> wait_ready(Stages& stages, host::Cancel& cancel);
  Task<Result<>> wait_system(Stages& stages, host::Cancel& cancel);
  Task<Result<>> stopped_by_failure(Error error);
  Task<Result<>> end_machine();
  Task<Result<>> settle_stopped(std::string last_error);
  Task<> ask_guest_to_stop();
  Task<Result<std::string>> adopt_or_settle();
  Task<Result<std::unique_ptr<machine::Machine>>> find_machine();
  void attach(std::shared_ptr<machine::Machine> machine);
  void use_link(std::shared_ptr<link::Client> client);

  static Task<> watch_exit(std::shared_ptr<VmOwner> self, std::shared_ptr<machine::Machine> machine);
  static Task<> keep_link(std::shared_ptr<VmOwner> self, std::shared_ptr<machine::Machine> machine);
  static Task<> watch_system(std::shared_ptr<VmOwner> self, std::shared_ptr<link::Client> client);

  Services& services_;
  store::VmRow row_;
  vm::Spec spec_;
  vm::State state_;
  host::Mutex turn_;
  host::Event changed_;
  std::shared_ptr<machine::Machine> machine_;   ///< set while a process is known
  std::shared_ptr<link::Client> client_;        ///< set while the agent answers
  bool system_ready_ = false;
  bool abort_ = false;                          ///< a kill or forced delete wants the turn now
  bool gone_ = false;
  bool launched_ = false;
};

}  // namespace banger::roles::daemon

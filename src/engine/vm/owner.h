// The one owner of a VM's state. Every operation takes the VM's turn, writes the new state to the store before its
// effect, and leaves one of vm::State behind whatever happens. Others only ask.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "capabilities/capability.h"
#include "engine/services.h"
#include "engine/stages.h"
#include "link/link.h"
#include "machine/machine.h"
#include "store/store.h"
#include "vm/spec.h"
#include "vm/state.h"

namespace banger::engine {

/// What `vm.create` and `vm.start` wait for.
enum class WaitFor { agent, system };

/// What save_as() made, and for how long the machine stood still for it.
struct SavedVm {
  store::SaveRow row;
  std::chrono::microseconds pause{0};
};

/// Told of a state that is still being saved, once its disks are whole and machines can be started from it.
using CanStart = std::function<void(const store::SaveRow& row)>;

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

  /// From `creating`: makes the directory and the disks (copies of those of the saved state `disks_of`, if one is
  /// named), ends in `stopped`. On failure the caller undoes with remove().
  Task<Result<>> make(Stages& stages, host::Cancel& cancel, std::string disks_of = "");
  /// From `stopped` or `suspended`; a running VM is fine. It goes on from its saved state, if it has one, else it
  /// boots; what came from a template and does not work boots too. A failure leaves it as it was, with last_error set.
  Task<Result<>> start(Stages& stages, host::Cancel& cancel, WaitFor wait);
  /// Forgets a suspended VM's memory: it is `stopped` then, as after a power failure.
  Task<Result<>> forget_memory();
  /// Asks the guest, waits, then forces. A stopped VM is fine.
  Task<Result<>> stop(std::chrono::milliseconds patience);
  /// Ends it at once, also a start or stop that is under way.
  Task<Result<>> kill();
  /// Writes a running VM's memory to disk and ends its machine. On failure it goes on running.
  Task<Result<>> suspend(Stages& stages);
  /// Saves disks and, when it runs, memory as `row.kind`, without ending anything. `can_start` may be empty, and is not
  /// told where machines have to wait for all of it.
  Task<Result<SavedVm>> save_as(store::SaveRow row, Stages& stages, CanStart can_start = {});
  /// Replaces the disks, and the memory to go on from, of a VM that does not run.
  Task<Result<>> return_to(const store::SaveRow& snapshot);
  /// From the ready pool to a user: the running machine takes this name and spec on.
  Task<Result<>> hand_over(std::string name, vm::Spec spec, bool ephemeral, Stages& stages);
  /// It outlives its client from now on.
  Result<> keep();
  /// While one lives, somebody uses the VM; idle_for() counts from the end of the last.
  class Use {
   public:
    explicit Use(std::shared_ptr<VmOwner> vm) : vm_(std::move(vm)) { ++vm_->uses_; }
    Use(Use&&) noexcept = default;
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (!vm_) return;
      --vm_->uses_;
      vm_->last_use_ = host::Clock::now();
    }

   private:
    std::shared_ptr<VmOwner> vm_;
  };
  /// For how long a running VM has not been used; zero while it is, and for one that does not run.
  host::Clock::duration idle_for() const;
  /// The agent's figures, no older than `age`. Untrusted.
  Task<Result<Json>> stats(std::chrono::milliseconds age);
  /// Asks the machine what it counts, unless that was done within `age`. One that does not tell leaves what is known.
  Task<> read_metrics(std::chrono::milliseconds age);
  /// What it told last, as docs/rpc.md has it; null when it never did. Kept until the next start.
  Json metrics() const;
  /// Waits for the boot target of a running guest.
  Task<Result<>> await_system(Stages& stages);
  /// Runs what every first command runs, so that the machine has it translated (TCG) and cached.
  Task<Result<>> exercise();
  /// A template's machine has its memory in this file.
  void keep_memory_in(std::string path) { memory_file_ = std::move(path); }
  /// Stops it for good with its state saved as that template; then it is only to be removed.
  Task<Result<>> become_template(std::string save_id, std::string key, Stages& stages);
  /// Removes everything. `busy` when it runs and `force` is not set.
  Task<Result<>> remove(bool force);
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

  /// The link to a running VM's agent, waiting for a reconnect up to the deadline.
  Task<Result<std::shared_ptr<link::Client>>> agent(host::Deadline deadline);
  const std::shared_ptr<machine::Machine>& machine() const { return machine_; }
  bool gone() const { return gone_; }
  /// True once a VMM process was started by the last start(), even if it has ended since.
  bool machine_was_started() const { return launched_; }
  /// Where the host reaches the guest, if the guest has an address of its own there; empty: none was leased yet.
  std::optional<std::string> own_address() const { return services_.resources.address(row_.id, spec_); }
  /// The same, or what every guest of a user-mode network has.
  std::string guest_address() const;
  /// Notified on every change of state.
  host::Event& changed() { return changed_; }

 private:
  using State = vm::State;
  /// The VM's turn, in a true state.
  Task<Result<host::Mutex::Lock>> take_turn();
  Result<> move_to(vm::State state);
  Result<> keep_row() { return services_.store.update_vm(row_); }
  std::string guest_name() const;
  Task<Result<capabilities::VmContext>> context();

  Task<Result<>> prepare_disks(Stages& stages);
  Task<Result<>> boot(Stages& stages, host::Cancel& cancel, WaitFor wait);
  Task<Result<>> launch(Stages& stages, const capabilities::VmContext& context,
                        const std::optional<store::SaveRow>& save, machine::MachineConfig config);
  Result<> add_boot(const capabilities::VmContext& context, const image::Kernel& kernel, std::string agent_archive,
                    machine::MachineConfig& config);
  Result<> add_restore(const store::SaveRow& save, const machine::Driver& driver, machine::MachineConfig& config);
  Task<Result<>> wait_ready(Stages& stages, host::Cancel& cancel, const std::optional<store::SaveRow>& save);
  Task<Result<>> take_identity(Stages& stages, const store::SaveRow& save);
  Result<guestcfg::GuestConfig> guest_config(const capabilities::VmContext& context) const;
  /// True when there was something to grow.
  Task<Result<bool>> grow_drives(const vm::Spec& saved);
  Task<Result<>> configure(std::shared_ptr<link::Client> client, bool grown);
  Task<Result<>> set_clock(std::shared_ptr<link::Client> client, std::string answer, std::int64_t asked_ns);
  Task<Result<>> boot_instead(Stages& stages, host::Cancel& cancel, WaitFor wait, Error why);
  Task<Result<>> failed_start(Error error);
  Task<Result<>> copy_disks(std::string save_id, bool replace);
  Result<> copy_files_to(const std::string& save_id) const;
  Task<Result<>> hold(bool on);
  struct Writing {
    bool disks = false;   ///< copy them too
    bool resume = false;  ///< let the machine go on afterwards
    CanStart can_start;
  };
  Task<Result<>> write_state(const store::SaveRow& row, const Writing& what, SavedVm& saved);
  Result<store::SaveRow> describe_save(store::SaveKind kind) const;
  Task<Result<>> wait_system(Stages& stages, host::Cancel& cancel);
  Task<Result<>> stopped_by_failure(Error error);
  Task<Result<>> end_machine();
  Task<Result<>> settle(State state, std::string last_error);
  Task<Result<>> settle_stopped(std::string last_error) { return settle(State::stopped, std::move(last_error)); }
  Task<> ask_guest_to_stop();
  Task<Result<std::string>> try_recovery();
  Task<Result<std::string>> finish_what_was_begun();
  Task<Result<std::string>> adopt_or_settle();
  Task<Result<std::string>> finish_suspend();
  Task<Result<>> discard();
  bool may_have_run() const;
  bool process_lives() const;
  Task<Result<>> end_found_machine();
  Task<Result<std::unique_ptr<machine::Machine>>> find_machine(bool go_on);
  void attach(std::shared_ptr<machine::Machine> machine);
  void use_link(std::shared_ptr<link::Client> client);
  Result<std::vector<std::string>> link_tokens() const;
  Task<Result<std::shared_ptr<link::Client>>> reopen_link(std::shared_ptr<machine::Machine> machine);

  static Task<> watch_exit(std::shared_ptr<VmOwner> self, std::shared_ptr<machine::Machine> machine);
  static Task<> keep_link(std::shared_ptr<VmOwner> self, std::shared_ptr<machine::Machine> machine);
  static Task<> watch_system(std::shared_ptr<VmOwner> self, std::shared_ptr<link::Client> client);

  Services& services_;
  store::VmRow row_;
  vm::Spec spec_;
  vm::State state_;
  host::Mutex turn_;
  host::Event changed_;
  std::shared_ptr<machine::Machine> machine_;  ///< set while a process is known
  std::shared_ptr<link::Client> client_;       ///< set while the agent answers
  bool recovery_due_ = false;
  bool system_ready_ = false;
  bool system_wanted_ = false;  ///< someone waits for it
  bool abort_ = false;          ///< a kill or forced delete wants the turn now
  bool gone_ = false;
  bool launched_ = false;
  int uses_ = 0;
  host::Clock::time_point last_use_ = host::Clock::now();
  std::string stats_;  ///< the last that were asked for, as JSON text; empty: none
  host::Clock::time_point stats_at_{};
  std::optional<machine::MachineMetrics> metrics_;  ///< of this machine, or of the last one
  host::Clock::time_point metrics_at_{};
  std::string memory_file_;  ///< of a template in the making
};

}  // namespace banger::engine

// The process that runs a VM. The class finds it again after a daemon start, watches it, ends it and reads its metrics.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/json.h"
#include "engine/services.h"
#include "engine/vm/record.h"
#include "machine/machine.h"

namespace banger::engine {

using machine::Paused;

class RunningMachine : public std::enable_shared_from_this<RunningMachine> {
 public:
  using Machine = std::shared_ptr<machine::Machine>;
  using OnExit = std::function<Task<>(Machine ended, machine::MachineExit exit)>;

  RunningMachine(Services& services, std::shared_ptr<VmRecord> record)
      : services_(services), record_(std::move(record)) {}

  /// Null while no process is known.
  const Machine& get() const { return machine_; }
  bool running() const { return machine_ && machine_->running(); }
  /// Why the VMM has paused the guest; empty: it has not.
  std::string paused_because() const { return machine_ ? machine_->paused_because() : ""; }
  /// Call this when an operation stops the guest's processors, and when they run again.
  void stand(bool stands) {
    stands_ = stands;
    stood_at_ = host::Clock::now();
  }
  /// Whether an operation has let the guest stand still at any time since `then`. Such a guest answers nobody.
  bool has_stood(host::Clock::time_point then) const { return stands_ || stood_at_ >= then; }
  /// The last start has started a process, even if that process has ended since.
  bool was_started() const { return was_started_; }

  /// Call this before a start. Forgets everything about the previous machine.
  void begin();
  /// Watches `machine`, which has just been started.
  void started(Machine machine, OnExit on_exit);
  /// Watches `machine`, which was found running.
  void adopted(Machine machine, OnExit on_exit);
  /// Finds the process by its record. Finds it by its token if the daemon died before the pid was recorded.
  Task<Result<Machine>> find(Paused paused);
  /// The recorded process exists, even if no driver can control it.
  bool is_alive() const;
  /// How the guest of the recorded machine has ended, by its console. nullopt: not known.
  std::optional<machine::MachineExit> unseen_end() const;
  /// Finds the process, if there is one, and ends it. After an error the process may still run.
  Task<Result<>> find_and_end();
  /// Kills the process, if there is one. The process stays known until it has ended.
  Task<Result<>> end();
  /// Call this when the process has ended.
  void forget() { machine_.reset(); }

  /// Reads the machine's metrics, unless the known metrics are younger than `age`. A failure keeps the known metrics.
  Task<> read_metrics(std::chrono::milliseconds age);
  /// The last metrics; null when there are none. Kept until the next start.
  const std::optional<machine::MachineMetrics>& metrics() const { return metrics_; }

 private:
  static Task<> watch(std::shared_ptr<RunningMachine> self, Machine machine, OnExit on_exit);

  Services& services_;
  std::shared_ptr<VmRecord> record_;
  Machine machine_;
  bool was_started_ = false;
  bool stands_ = false;
  host::Clock::time_point stood_at_{};
  std::optional<machine::MachineMetrics> metrics_;  ///< of this machine or, after its end, of the last one
  host::Clock::time_point metrics_at_{};
};

/// A guest runs only after its process was recorded. If the record has no process, the saved memory still matches the
/// disks.
bool may_have_run(const store::VmRow& row);

}  // namespace banger::engine

// The process that runs a VM: found again after a daemon start, watched, ended, asked what it counts.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/json.h"
#include "engine/services.h"
#include "engine/vm/record.h"
#include "machine/machine.h"

namespace banger::engine {

/// What becomes of a machine that stands still.
enum class Paused { goes_on, stays };

class RunningMachine : public std::enable_shared_from_this<RunningMachine> {
 public:
  using Machine = std::shared_ptr<machine::Machine>;
  using OnExit = std::function<Task<>(Machine ended, machine::MachineExit exit)>;

  RunningMachine(Services& services, std::shared_ptr<VmRecord> record)
      : services_(services), record_(std::move(record)) {}

  /// Null while no process is known.
  const Machine& get() const { return machine_; }
  bool running() const { return machine_ && machine_->running(); }
  /// A process was started by the last start, even if it has ended since.
  bool was_started() const { return was_started_; }

  /// Before a start: what is known of the machine before it is forgotten.
  void begin();
  /// `machine` was started just now.
  void started(Machine machine, OnExit on_exit);
  /// `machine` was found running.
  void adopted(Machine machine, OnExit on_exit);
  /// The process by its record; if the daemon died between starting it and recording its pid, by its token.
  Task<Result<Machine>> find(Paused paused);
  /// The recorded process is there, be it that no driver can talk to it.
  bool lives() const;
  /// Finds the process, if there is one, and ends it. An error leaves it alone.
  Task<Result<>> find_and_end();
  /// Kills the process if there is one, and forgets it only when it is gone.
  Task<Result<>> end();
  /// The process is gone.
  void forget() { machine_.reset(); }

  /// Asks the machine what it counts, unless that was done within `age`. One that does not tell leaves what is known.
  Task<> read_metrics(std::chrono::milliseconds age);
  /// What it told last, as docs/rpc.md has it; null when it never did. Kept until the next start.
  Json metrics() const;

 private:
  static Task<> watch(std::shared_ptr<RunningMachine> self, Machine machine, OnExit on_exit);

  Services& services_;
  std::shared_ptr<VmRecord> record_;
  Machine machine_;
  bool was_started_ = false;
  std::optional<machine::MachineMetrics> metrics_;  ///< of this machine, or of the last one
  host::Clock::time_point metrics_at_{};
};

/// A guest runs only after its process was recorded; without one in the record its saved memory still fits its disks.
bool may_have_run(const store::VmRow& row);

}  // namespace banger::engine

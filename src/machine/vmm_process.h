// One VMM process, started by this daemon or adopted by its record. Independent of VMM and protocol.
#pragma once

#include <optional>

#include "machine/machine.h"

namespace banger::machine {

/// Holds a pidfd, so a reused pid is never signalled or measured. Destroying the object leaves the process alone.
class VmmProcess {
 public:
  /// Takes over a child, which then outlives this daemon.
  VmmProcess(host::Child child, const host::ProcessId& id);
  /// A process that another program started for this daemon. `pidfd` holds the process with that identity.
  VmmProcess(UniqueFd pidfd, const host::ProcessId& id) : pidfd_(std::move(pidfd)), id_(id) {}
  /// Adopts a process of an earlier daemon. `not_found` when it has ended, or lacks the record's token.
  static Result<VmmProcess> adopt(const MachineRecord& record);

  int pidfd() const { return pidfd_.get(); }
  bool ended() const;
  /// Sends SIGKILL. Succeeds when the process has ended already.
  Result<> kill() const;
  /// The error of a call to a machine that has ended.
  Error gone() const;
  /// Completes when the process has ended. The caller keeps this object alive.
  Task<> wait_ended(host::Runtime& runtime) const;
  /// Sends SIGKILL, waits until the process has ended, and reaps it. `timeout` after limits::kMachineKillDeadline. The
  /// caller keeps this object alive.
  Task<Result<>> kill_and_wait(host::Runtime& runtime);
  /// The exit status, reaped on the first call. nullopt: the process still runs, or is not our child, so that the
  /// kernel does not report its status.
  std::optional<host::ExitStatus> exit_status();
  /// `not_found` once the process has ended. Source: proc(5), stat and smaps_rollup.
  Result<MachineStats> stats() const;
  /// 0 once the process has ended. Source: proc(5), statm (resident memory minus pages of files).
  std::uint64_t own_memory_bytes() const;

 private:
  UniqueFd pidfd_;
  host::ProcessId id_;
  std::optional<host::ExitStatus> status_;
};

/// What every process of a VMM gets: no new privileges, and no core file, which would have the guest's memory.
void confine_vmm(host::SpawnSpec& spec);

}  // namespace banger::machine

// One VMM process, started by us or taken over by what its record says. It knows no VMM and no protocol.
#pragma once

#include <optional>

#include "machine/machine.h"

namespace banger::machine {

/// Holds a pidfd, so a reused pid is never signalled or measured. Destroying it leaves the process alone.
class VmmProcess {
 public:
  /// Takes a child of ours that is to live on.
  VmmProcess(host::Child child, const host::ProcessId& id);
  /// A process that somebody else started for us: `pidfd` is of the process with that identity.
  VmmProcess(UniqueFd pidfd, const host::ProcessId& id) : pidfd_(std::move(pidfd)), id_(id) {}
  /// A process from an earlier life of the daemon. `not_found` when it has gone, or is not the one with the record's
  /// token.
  static Result<VmmProcess> adopt(const MachineRecord& record);

  int pidfd() const { return pidfd_.get(); }
  bool ended() const;
  /// SIGKILL. Fine when it has ended already.
  Result<> kill() const;
  /// How it ended (reaped on the first call), or nullopt: still running, or not our child, where the kernel does not
  /// tell.
  std::optional<host::ExitStatus> exit_status();
  /// `not_found` once it has ended. Source: proc(5), stat and smaps_rollup.
  Result<MachineStats> stats() const;
  /// 0 once it has ended. Source: proc(5), statm (resident minus of files).
  std::uint64_t own_memory_bytes() const;

 private:
  UniqueFd pidfd_;
  host::ProcessId id_;
  std::optional<host::ExitStatus> status_;
};

}  // namespace banger::machine

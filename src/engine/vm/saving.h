// A machine's state to disk: suspended VMs, snapshots, forks and templates are all made here.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "engine/stages.h"
#include "engine/vm/parts.h"

namespace banger::engine {

/// What save_as() made, and for how long the machine stood still for it.
struct SavedVm {
  store::SaveRow row;
  std::chrono::microseconds pause{0};
};

/// Told of a state that is still being saved, once its disks are whole and machines can be started from it.
using CanStart = std::function<void(const store::SaveRow& row)>;

/// Does `work` while the machine stands still. Afterwards the machine goes on, unless the work succeeded and `after`
/// says that it stays.
Task<Result<std::chrono::microseconds>> while_paused(machine::Machine& machine, Paused after,
                                                     std::function<Task<Result<>>()> work);

/// Writes a running VM's memory to disk and ends its machine. On failure it goes on running.
Task<Result<>> suspend(VmParts& vm, Stages& stages);
/// Saves disks and, when it runs, memory as `wanted.kind`, without ending anything. `can_start` may be empty, and is
/// not told where machines have to wait for all of it.
Task<Result<SavedVm>> save_as(VmParts& vm, store::SaveRow wanted, Stages& stages, CanStart can_start);
/// Ends a running VM for good, with its state saved as that template.
Task<Result<>> become_template(VmParts& vm, std::string save_id, std::string key, Stages& stages);

}  // namespace banger::engine

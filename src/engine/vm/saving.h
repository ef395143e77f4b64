// Saves a machine's state to disk. Suspended VMs, snapshots, forks and templates are all made here.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "engine/stages.h"
#include "engine/vm/parts.h"

namespace banger::engine {

/// The result of save_as(), and how long the machine was paused.
struct SavedVm {
  store::SaveRow row;
  std::chrono::microseconds pause{0};
};

/// Called with a state that is still being saved, as soon as its disks are complete and machines can start from it.
using CanStart = std::function<void(const store::SaveRow& row)>;

/// Does `work` while the machine is paused. Then resumes the machine, unless the work succeeded and `after` is
/// Paused::stays. Returns how long the machine was paused.
Task<Result<std::chrono::microseconds>> while_paused(RunningMachine& running, Paused after,
                                                     std::function<Task<Result<>>()> work);

/// Writes a running VM's memory to disk and ends its machine. On failure the VM keeps running.
Task<Result<>> suspend(VmParts& vm, Stages& stages);
/// Saves the disks and, if the VM runs or is suspended, its memory as `wanted.kind`. A machine keeps running.
/// `can_start` may be empty. It is not called when machines must wait for the complete state.
Task<Result<SavedVm>> save_as(VmParts& vm, store::SaveRow wanted, Stages& stages, CanStart can_start);
/// Saves the state of a running VM as the template `save_id`, and ends the VM's machine for good.
Task<Result<>> become_template(VmParts& vm, std::string save_id, std::string key, Stages& stages);

}  // namespace banger::engine

// Restores a VM that does not run from a saved state, and turns a pooled machine into a user's VM.
#pragma once

#include <functional>
#include <string>

#include "engine/vm/starting.h"

namespace banger::engine {

/// Refuses a snapshot of another VM, whose disks would replace those of this VM.
Result<> check_own_snapshot(const store::VmRow& vm, const store::SaveRow& snapshot);
/// Replaces the disks and the saved memory of a VM that does not run: everything or nothing. If the result is an error
/// and the VM is `restoring`, finish_restore() can succeed later.
Task<Result<>> restore(VmParts& vm, store::SaveRow snapshot);
/// Moves the snapshot's disks into place. May be repeated. The VM is `stopped` afterwards.
Task<Result<>> finish_restore(VmParts& vm);

/// What a pooled machine becomes.
struct Claim {
  std::string name;
  vm::Spec spec;
  bool ephemeral = false;  ///< removed when the client that made the VM is gone
  WaitFor wait = WaitFor::agent;
  std::function<bool()> given_up = [] { return false; };  ///< true when nobody waits for the VM any more
};
/// Turns a running machine of the ready pool into a user's VM with this name and spec.
Task<Result<>> claim(VmParts& vm, Claim claim, Start& start);

}  // namespace banger::engine

// Starts a VM and waits until its agent answers.
#pragma once

#include <functional>
#include <string>

#include "engine/stages.h"
#include "engine/vm/parts.h"

namespace banger::engine {

/// What `vm.create` and `vm.start` wait for.
enum class WaitFor {
  agent,
  system,
  booted,  ///< the system of a guest that boots; a guest from a saved state has booted before
};

struct StartWish {
  std::string memory_file = {};          ///< the file for the memory of a template's machine
  std::function<bool()> still_due = {};  ///< asked when the VM's turn has come; if false, nothing happens
};

struct Start {
  Stages& stages;
  std::function<bool()> given_up;  ///< true when the caller no longer waits for the start
  WaitFor wait = WaitFor::agent;
  std::string memory_file;  ///< for a template that is being built; empty: memory has no file
  RunningMachine::OnExit on_exit;
  int boots_again = 0;  ///< how many times a guest that hangs while it boots may boot again
  bool hangs = false;   ///< set when the guest hung, and may boot again
};

/// Starts the VM from its saved state, if it has one, or boots it. If the start from a template fails, the VM boots.
/// On failure the VM has its previous state again, with last_error set. A guest whose system is only late keeps
/// running: the error is then `timeout`.
Task<Result<>> start(VmParts& vm, Start start);
/// Waits for the agent of a machine that runs. Gives the guest its identity if it started from `save`.
Task<Result<>> finish_start(VmParts& vm, Start& start, const std::optional<store::SaveRow>& save);
/// Lets the capabilities do what they do in a guest that has just begun. Failures are warnings of the start.
Task<> notify_capabilities(VmParts& vm, Start& start);
/// Waits until the guest's init has reached its boot target.
Task<Result<>> wait_system(VmParts& vm, Start& start);
/// Ends the machine after a failed start, and records the failure. Returns `error`.
Task<Result<>> stopped_by_failure(VmParts& vm, Error error);

}  // namespace banger::engine

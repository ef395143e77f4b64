// Disks and memory from a saved state into a VM that stands still, and a pooled machine into a user's hands.
#pragma once

#include <string>

#include "engine/vm/starting.h"

namespace banger::engine {

/// Replaces the disks, and the memory to go on from, of a VM that does not run.
Task<Result<>> restore(VmParts& vm, store::SaveRow snapshot);

/// Whose a pooled machine becomes.
struct Claim {
  std::string name;
  vm::Spec spec;
  bool ephemeral = false;  ///< goes with the client that had it made
  WaitFor wait = WaitFor::agent;
};
/// From the ready pool to a user: the running machine takes this name and spec on.
Task<Result<>> claim(VmParts& vm, Claim claim, Stages& stages);

}  // namespace banger::engine

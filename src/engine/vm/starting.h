// From a VM that stands still to one whose agent answers.
#pragma once

#include <functional>
#include <string>

#include "engine/stages.h"
#include "engine/vm/parts.h"

namespace banger::engine {

/// What `vm.create` and `vm.start` wait for.
enum class WaitFor { agent, system };

struct Start {
  Stages& stages;
  std::function<bool()> given_up;  ///< nobody waits for it any more
  WaitFor wait = WaitFor::agent;
  std::string memory_file;  ///< of a template in the making; empty: memory has no file
  RunningMachine::OnExit on_exit;
};

/// Goes on from its saved state, if it has one, else it boots; what came from a template and does not work boots too.
/// On failure the VM is as it was, with last_error set.
Task<Result<>> start(VmParts& vm, Start start);
/// The machine runs: waits for its agent, gives it its identity if it went on from `save`.
Task<Result<>> finish_start(VmParts& vm, Start& start, const std::optional<store::SaveRow>& save);
/// Of a running guest.
Task<Result<>> wait_system(VmParts& vm, Start& start);
/// Ends what was started, and records that.
Task<Result<>> stopped_by_failure(VmParts& vm, Error error);

}  // namespace banger::engine

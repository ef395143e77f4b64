// What may be done with a VM in which state: one table, so that a command is refused with the same words wherever it
// comes from. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "vm/state.h"

namespace banger::vm {

enum class Operation {
  start,
  stop,
  kill,
  suspend,
  save,            ///< snapshot or fork
  restore,         ///< replace disks and memory by those of a snapshot
  discard_memory,  ///< of a suspended VM
  change,
  remove,
  remove_forced,
  reach_agent,
  claim,            ///< a pooled machine becomes a user's
  become_template,  ///< a machine is saved for others to go on from
};

enum class Admission { allowed, nothing_to_do };

/// `state` is nullopt when the VM was deleted. A refusal is a sentence, with the way out where there is one.
Result<Admission> admit(Operation operation, std::optional<State> state, std::string_view name);

}  // namespace banger::vm

// Which operations a VM's state allows. There is one table, so every client gets the same words for the same refusal.
// Pure.
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
  restore,         ///< replace disks and memory by a snapshot's
  restore_forced,  ///< the same, even if saved memory is lost
  discard_memory,  ///< delete the memory of a suspended VM
  change,
  remove,
  remove_forced,
  reach_agent,
  claim,            ///< a pooled machine becomes a user's
  become_template,  ///< a machine is saved so that clones can start from it
};

enum class Admission { allowed, nothing_to_do };

/// `state` is nullopt when the VM was deleted. A refusal is an error sentence, with a hint if there is a way out.
Result<Admission> admit(Operation operation, std::optional<State> state, std::string_view name);

}  // namespace banger::vm

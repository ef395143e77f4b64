// Guests that need help or an end while their machine runs: paused by the VMM, silent, or halted.
#pragma once

#include "engine/vm/parts.h"

namespace banger::engine {

/// Lets a guest go on that the VMM has paused. `exhausted` when the VMM has paused the guest again at once, because the
/// reason still holds. Does nothing for a guest that runs.
Task<Result<>> go_on(VmParts& vm);
/// The same, as soon as the host's disk has room again.
Task<> go_on_with_room(VmParts& vm);
/// Asks the agent for a sign of life, unless the guest was heard lately. Returns whether the guest answers.
Task<bool> is_answering(VmParts& vm);
/// Whether the guest's kernel has halted and the guest does not answer. Ask again for is_answering() first.
bool looks_halted(const VmParts& vm);

/// Looks after the guest of one VM.
class Attention {
 public:
  /// Looks once, and does what the guest needs. Waits for no operation: while one holds `turn`, only notes whether the
  /// guest is silent. A look that finds another one at work does nothing.
  Task<> look(VmParts& vm, host::Mutex& turn);

 private:
  bool looks_ = false;
  std::string noted_pause_;  ///< why the VMM has paused the guest, as last logged
};

}  // namespace banger::engine

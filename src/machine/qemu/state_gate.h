// Holds back the saved state of devices from a QEMU that must not load it yet. The state may be incomplete, and the
// guest's memory must be restored first.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::machine::qemu {

/// QEMU reads a pipe. If this process ends early, QEMU reads the end of the pipe and ends too.
class StateGate {
 public:
  /// Writes the header, which is the same for all states. A QEMU that waits for the first byte does not notice the end
  /// of the pipe.
  static Result<StateGate> make();

  /// QEMU's end of the pipe. Call once.
  UniqueFd take_reader() { return std::move(reader_); }
  /// Writes the rest, from the file SavedState::devices. Blocks. `timeout` when QEMU does not read, `unavailable` when
  /// QEMU has ended, `corrupt` when the file is not a saved state.
  Result<> open(const std::string& devices);

 private:
  UniqueFd reader_, writer_;
};

}  // namespace banger::machine::qemu

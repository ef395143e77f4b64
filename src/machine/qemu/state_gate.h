// The saved state of devices on its way into a QEMU that must not take it in yet: it may not be whole, and the guest's
// memory has to become what it was first.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::machine::qemu {

/// QEMU reads a pipe. Should we end before all of it was let through, it reads the end of the pipe and ends too.
class StateGate {
 public:
  /// Lets the header through, which is the same for all: a QEMU that waits for the first byte does not hear of an end.
  static Result<StateGate> make();

  /// What QEMU is to read from; once.
  UniqueFd take_reader() { return std::move(reader_); }
  /// Lets the rest through, from a file as in SavedState::devices. Blocks; `timeout` when it is not read, `unavailable`
  /// when QEMU has gone, `corrupt` for a file that is no saved state.
  Result<> open(const std::string& devices);

 private:
  UniqueFd reader_, writer_;
};

}  // namespace banger::machine::qemu

// A guest that reboots is started again, and by its VM's wish also a guest that ends in another way; but not without
// end.
#pragma once

#include <string>
#include <vector>

#include "host/runtime.h"
#include "machine/machine.h"
#include "store/store.h"
#include "vm/restart.h"

namespace banger::engine {

/// Whether a running VM whose machine ended so is started again. An ephemeral VM is not, because the command that it
/// was made for has lost its guest.
bool starts_after(const machine::MachineExit& exit, const store::VmRow& vm, vm::Restart restart);

/// Counts the new starts of one VM. A guest that ends again and again never gets to its work, and uses up its host.
class RebootLimit {
 public:
  /// True if the guest may boot once more. Counts that boot.
  bool admit(host::Clock::time_point now);
  /// Why the guest was not started again after this end.
  static std::string refusal(const machine::MachineExit& exit);

 private:
  std::vector<host::Clock::time_point> admitted_;
};

}  // namespace banger::engine

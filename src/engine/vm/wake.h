// Resumes a suspended VM for a caller that needs its guest, if the config allows that (`auto_wake`).
#pragma once

#include <chrono>
#include <memory>

#include "base/task.h"
#include "link/link.h"

namespace banger::engine {

class VmOwner;

/// Which VMs a caller wakes.
enum class Wakes {
  suspended,
  stopped_too,  ///< such a VM boots
};

/// Whether wake() would start the VM.
bool can_wake(const VmOwner& vm, Wakes which);
/// The VM is suspended or about to be, or goes on from there.
bool sleeps(const VmOwner& vm);
/// Starts a VM that can_wake(), for a caller that needs its guest. Several callers share one start, which goes on when
/// they are gone. Does nothing for other VMs, so the caller still has to look whether the guest can be reached.
Task<Result<>> wake(std::shared_ptr<VmOwner> vm, Wakes which);
/// The link to the guest, whose VM is resumed first if it is suspended. Then waits as AgentLink::client() does.
Task<Result<std::shared_ptr<link::Client>>> reach_guest(std::shared_ptr<VmOwner> vm,
                                                        std::chrono::milliseconds patience);

}  // namespace banger::engine

// Resumes a suspended VM for a caller that needs its guest, if the config allows that (`auto_wake`).
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/task.h"
#include "host/runtime.h"
#include "link/link.h"

namespace banger::engine {

class VmOwner;

/// Which VMs a caller wakes.
enum class Wakes {
  suspended,
  stopped_too,  ///< such a VM boots
};

/// A wake under way. All callers who need the guest meanwhile wait for its result.
struct Waking {
  explicit Waking(host::Runtime& runtime) : done(runtime) {}
  std::optional<Result<>> result;
  host::Event done;
};

/// The link to the guest, whose VM is resumed first if it is suspended. Then waits as AgentLink::client() does.
Task<Result<std::shared_ptr<link::Client>>> reach_guest(std::shared_ptr<VmOwner> vm,
                                                        std::chrono::milliseconds patience);

}  // namespace banger::engine

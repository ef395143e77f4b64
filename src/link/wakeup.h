// Wakes coroutines that wait for something inside the link. Unlike host::Event it may be destroyed, with those that wait on
// it, in any order while the runtime goes down.
#pragma once

#include <memory>

#include "base/task.h"
#include "host/runtime.h"

namespace banger::link {

/// Wakes only those already waiting: re-check the condition after every wait.
class Wakeup {
 public:
  explicit Wakeup(host::Runtime& runtime);
  void notify();
  /// False when the deadline passed first.
  Task<bool> wait(host::Deadline deadline = host::Deadline::max()) { return wait_on(impl_, deadline); }

 private:
  struct Impl;
  static Task<bool> wait_on(std::shared_ptr<Impl> impl, host::Deadline deadline);
  std::shared_ptr<Impl> impl_;
};

}  // namespace banger::link

// A lock that all handler processes share, so that only one operation runs at a time. Network links and firewall rules
// have few locks of their own.
#pragma once

#include <chrono>

#include "base/result.h"

namespace banger::roles::helper {

/// The lock is shared with processes that are forked after make().
class OperationLock {
 public:
  static Result<OperationLock> make();
  OperationLock(OperationLock&& other) noexcept;
  ~OperationLock();
  OperationLock& operator=(OperationLock&&) = delete;

  /// Takes the lock. `busy` when another process still holds the lock after `deadline`. The kernel releases the lock
  /// when its process ends.
  Result<> lock(std::chrono::milliseconds deadline) const;
  void unlock() const;

 private:
  struct Shared;
  explicit OperationLock(Shared* shared) : shared_(shared) {}
  Shared* shared_;
};

}  // namespace banger::roles::helper

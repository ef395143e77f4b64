// A lock that all handler processes share, so that only one operation runs at a time. Network links and firewall rules
// have few locks of their own.
#pragma once

#include <chrono>

#include "base/result.h"

namespace banger::roles::helper {

/// The lock is shared with processes that are forked after make().
class Turn {
 public:
  static Result<Turn> make();
  Turn(Turn&& other) noexcept;
  ~Turn();
  Turn& operator=(Turn&&) = delete;

  /// Takes the lock. `busy` when another process still holds the lock after `deadline`. The kernel releases the lock
  /// when its process ends.
  Result<> take(std::chrono::milliseconds deadline) const;
  void give_back() const;

 private:
  struct Shared;
  explicit Turn(Shared* shared) : shared_(shared) {}
  Shared* shared_;
};

}  // namespace banger::roles::helper

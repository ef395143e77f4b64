// The guest's wall clock, as the host reads and moves it. Every step of the clock wakes systemd and what listens to it,
// so a small step waits until a first command had its turn.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/result.h"

namespace banger::roles::agent {

/// Unix time in nanoseconds.
std::int64_t clock_unix_ns();
Result<> set_clock_unix_ns(std::int64_t unix_ns);

class WallClock {
 public:
  using Set = std::function<Result<>(std::int64_t unix_ns)>;
  explicit WallClock(Set set = set_clock_unix_ns) : set_(std::move(set)) {}

  /// Unix time in nanoseconds, with the steps that wait.
  std::int64_t unix_ns() const { return clock_unix_ns() + waiting_ns_; }
  /// Fails for times that no clock can show.
  Result<> move(std::int64_t by_ns) { return by_ns == 0 ? Result<>() : set_(clock_unix_ns() + by_ns); }
  void move_later(std::int64_t by_ns) { waiting_ns_ += by_ns; }
  /// Makes the steps that wait.
  Result<> catch_up();

 private:
  Set set_;
  std::int64_t waiting_ns_ = 0;
};

}  // namespace banger::roles::agent

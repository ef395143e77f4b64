#include "roles/agent/wall_clock.h"

#include <time.h>

namespace banger::roles::agent {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

std::int64_t clock_unix_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

Result<> set_clock_unix_ns(std::int64_t unix_ns) {
  timespec now{.tv_sec = unix_ns / kSecond, .tv_nsec = unix_ns % kSecond};
  if (unix_ns < 0 || ::clock_settime(CLOCK_REALTIME, &now) < 0) return fail_errno("set the clock");
  return {};
}

Result<> WallClock::catch_up() { return move(std::exchange(waiting_ns_, 0)); }

}  // namespace banger::roles::agent

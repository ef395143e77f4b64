#include "capabilities/boot_clock.h"

#include "catch.h"

using banger::capabilities::is_late_at_boot;

TEST_CASE("boot clock: a guest without a hardware clock sets its clock, and one with it keeps the time") {
  constexpr std::int64_t kSecond = 1'000'000'000, kNow = 1'700'000'000 * kSecond;
  CHECK(is_late_at_boot(5 * kSecond, kNow));
  CHECK(is_late_at_boot(kNow - 3 * kSecond, kNow));
  CHECK_FALSE(is_late_at_boot(kNow - kSecond, kNow));
  // A busy host took six seconds until the guest's kernel ran.
  CHECK_FALSE(is_late_at_boot(kNow + 6 * kSecond, kNow));
}

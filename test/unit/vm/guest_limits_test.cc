#include "vm/guest_limits.h"

#include "base/bounds.h"
#include "catch.h"

using namespace banger;

TEST_CASE("guest limits: 0 is no limit, and a limit with which no guest works is refused with a way out") {
  CHECK(vm::check_guest_limits({}));
  CHECK(vm::check_guest_limits({.disk_iops = 10, .disk_bandwidth_bytes = 64 * limits::kKiB}));
  auto refused = [](const vm::Spec& spec, std::string_view message, std::string_view hint) {
    auto checked = vm::check_guest_limits(spec);
    REQUIRE(!checked);
    CHECK(checked.error().code == ErrorCode::invalid);
    CHECK(checked.error().message == message);
    CHECK(checked.error().hint == hint);
  };
  refused({.disk_iops = 9}, "9 disk operations a second are too few to work with",
          "give 10 to 100000000, or 0 for no limit");
  refused({.disk_iops = 4'000'000'000}, "4000000000 disk operations a second are too many for a limit",
          "give 10 to 100000000, or 0 for no limit");
  refused({.disk_bandwidth_bytes = 1000}, "a disk bandwidth of 1000B/s is too little to work with",
          "give at least 64K, or 0 for no limit");
  refused({.disk_bandwidth_bytes = UINT64_MAX / 2}, "a disk bandwidth of 8388608T/s is no limit",
          "give at most 1T, or 0 for no limit");
}

TEST_CASE("guest limits: a text names those that there are") {
  CHECK(vm::disk_limit_text(0, 0).empty());
  CHECK(vm::disk_limit_text(100, 0) == "100 operations/s");
  CHECK(vm::disk_limit_text(0, 20 * limits::kMiB) == "20M/s");
  CHECK(vm::disk_limit_text(100, 20 * limits::kMiB) == "100 operations/s, 20M/s");
}

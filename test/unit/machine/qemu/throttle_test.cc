#include "machine/qemu/throttle.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;

TEST_CASE("qemu throttle: all disks are in one group, and devices without a disk are left out") {
  auto blocks = Json::parse(R"([
    {"device": "", "qdev": "/machine/peripheral-anon/device[1]/virtio-backend", "inserted": {"file": "a"}},
    {"device": "", "qdev": "disk", "inserted": {"file": "b"}},
    {"device": "floppy", "inserted": {"file": "c"}},
    {"device": "", "qdev": "empty"}])");
  auto list = throttles_of(blocks, {.operations = 100, .bytes = 1 << 20});
  REQUIRE(list.size() == 2);
  CHECK(list[0]["id"] == "/machine/peripheral-anon/device[1]/virtio-backend");
  CHECK(list[1]["id"] == "disk");
  for (const auto& each : list) {
    CHECK(each["group"] == "disks");
    CHECK(each["iops"] == 100);
    CHECK(each["bps"] == 1 << 20);
    CHECK(each["bps_rd"] == 0);  // QEMU demands all of them
    CHECK(each.size() == 8);
  }
  CHECK(throttles_of(Json::parse("{}"), {}).empty());
}

// Whether a machine of the ready pool can become the requested VM.
#include "engine/fleet/create.h"

#include "catch.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("create: the reach of a VMM's own network is fixed at its start") {
  vm::Spec wanted, shape;
  CHECK(same_reach(wanted, shape));
  wanted.nat = false;
  CHECK_FALSE(same_reach(wanted, shape));
  shape.nat = false;
  CHECK(same_reach(wanted, shape));
  wanted = {.egress = "none"};
  CHECK(same_reach(wanted, shape));
  shape.nat = true;
  CHECK_FALSE(same_reach(wanted, shape));
}

TEST_CASE("create: the reach of a machine on the bridge can be changed while it runs") {
  vm::Spec wanted, shape;
  wanted.network = shape.network = vm::Network::bridge;
  wanted.nat = false;
  CHECK(same_reach(wanted, shape));
}

TEST_CASE("create: only the size of a device-mapper device is fixed when its machine starts") {
  vm::Spec wanted, shape;
  wanted.system_bytes = 2;
  shape.system_bytes = 1;
  for (auto storage : {vm::Storage::overlay, vm::Storage::copy}) {
    wanted.storage = shape.storage = storage;
    CHECK(same_device_sizes(wanted, shape));
  }
  wanted.storage = shape.storage = vm::Storage::dm_snapshot;
  CHECK_FALSE(same_device_sizes(wanted, shape));
  shape.system_bytes = 2;
  CHECK(same_device_sizes(wanted, shape));
}

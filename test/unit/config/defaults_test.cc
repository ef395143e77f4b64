// The sizes of a VM whose creator gives none.
#include "config/defaults.h"

#include "base/bounds.h"
#include "catch.h"

using namespace banger;
using config::resolve_defaults;
using limits::kGiB;
using limits::kMiB;

TEST_CASE("defaults: a share of the host, capped") {
  auto sizes = resolve_defaults({}, {.cpus = 8, .memory_bytes = 32 * kGiB});
  CHECK(sizes.vcpus.value == 2);
  CHECK(sizes.vcpus.source == "host");
  CHECK(sizes.memory_bytes.value == 4 * kGiB);
  CHECK(sizes.memory_bytes.source == "host");
  CHECK(sizes.disk_bytes.value == 8 * kGiB);
  CHECK(sizes.system_bytes.source == "built-in");
  sizes = resolve_defaults({}, {.cpus = 128, .memory_bytes = 512 * kGiB});
  CHECK(sizes.vcpus.value == 4);
  CHECK(sizes.memory_bytes.value == 8 * kGiB);
}

TEST_CASE("defaults: memory is whole MiB") {
  CHECK(resolve_defaults({}, {.cpus = 1, .memory_bytes = 16 * kGiB - 1}).memory_bytes.value == 2 * kGiB - kMiB);
  config::Config config;
  config.vm_defaults.memory_bytes = 1000 * kMiB + 5;
  CHECK(resolve_defaults(config, {}).memory_bytes.value == 1000 * kMiB);
}

TEST_CASE("defaults: a small host gets the floors, which come from the host; an unknown host gets built-in ones") {
  auto sizes = resolve_defaults({}, {.cpus = 2, .memory_bytes = 2 * kGiB});
  CHECK(sizes.vcpus.value == 1);
  CHECK(sizes.vcpus.source == "host");
  CHECK(sizes.memory_bytes.value == 512 * kMiB);
  CHECK(sizes.memory_bytes.source == "host");
  sizes = resolve_defaults({}, {});
  CHECK(sizes.vcpus.value == 1);
  CHECK(sizes.vcpus.source == "built-in");
  CHECK(sizes.memory_bytes.value == 512 * kMiB);
  CHECK(sizes.memory_bytes.source == "built-in");
  // A host below the floor: never more than the host has.
  sizes = resolve_defaults({}, {.cpus = 1, .memory_bytes = 400 * kMiB + 3});
  CHECK(sizes.memory_bytes.value == 200 * kMiB);
  CHECK(sizes.memory_bytes.source == "host");
}

TEST_CASE("defaults: the config wins, each value for itself") {
  config::Config config;
  config.vm_defaults.vcpus = 7;
  config.vm_defaults.system_bytes = kGiB;
  auto sizes = resolve_defaults(config, {.cpus = 8, .memory_bytes = 8 * kGiB});
  CHECK(sizes.vcpus.value == 7);
  CHECK(sizes.vcpus.source == "config");
  CHECK(sizes.system_bytes.value == kGiB);
  CHECK(sizes.system_bytes.source == "config");
  CHECK(sizes.memory_bytes.source == "host");
  CHECK(sizes.disk_bytes.source == "built-in");
}

// The memory budget of this host, with VMs that run on fake machines.
#include "engine/fleet/host_memory.h"

#include "base/bounds.h"
#include "catch.h"
#include "engine/fixture.h"
#include "engine/fleet/manager.h"

using namespace banger;
using namespace banger::engine;

namespace {

// More memory than any host has.
constexpr std::uint64_t kTooMuch = std::uint64_t{1} << 60;

}  // namespace

TEST_CASE("host memory: a small machine fits, and one larger than the host does not") {
  test::Fixture f;
  f.config.memory_overcommit = 1000;
  VmRegistry registry(f.daemon->services);
  HostMemory memory(f.config, registry);
  CHECK(memory.check(limits::kMiB));
  auto refused = memory.check(kTooMuch);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
}

TEST_CASE("host memory: a VM counts from its creation until it is stopped") {
  test::Fixture f;
  f.config.memory_overcommit = 1000;
  VmRegistry registry(f.daemon->services);
  HostMemory memory(f.config, registry);
  auto spec = test::Fixture::small_spec();
  spec.memory_bytes = kTooMuch;
  auto row = f.new_row("huge", spec);
  registry.add(f.record(row));
  CHECK_FALSE(memory.check(0));
  registry.forget(row.id);
  row.id = "stopped00000";
  row.name = "stopped";
  row.state = vm::to_string(vm::State::stopped);
  registry.add(f.record(row));
  CHECK(memory.check(0));
}

TEST_CASE("host memory: a running machine counts with its untouched memory") {
  test::Fixture f;
  f.config.memory_overcommit = 1000;
  VmRegistry registry(f.daemon->services);
  HostMemory memory(f.config, registry);
  auto vm = f.running();
  registry.add(vm);
  CHECK(memory.check(limits::kMiB));
  auto spec = vm->record().spec();
  spec.memory_bytes = kTooMuch;
  REQUIRE(f.run(vm->change("box", spec)));
  CHECK_FALSE(memory.check(limits::kMiB));
}

TEST_CASE("host memory: an empty pool cannot make room") {
  test::Fixture f;
  VmManager vms(f.daemon->services);
  HostMemory memory(f.config, vms.registry());
  auto refused = f.run(memory.make_room(kTooMuch, vms.pool()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
}

TEST_CASE("host memory: a refusal has the limit that is reached, and how much it still allows") {
  test::Fixture f;
  VmRegistry registry(f.daemon->services);
  HostMemory memory(f.config, registry, [] {
    return Result<host::MemoryRoom>(
        host::MemoryRoom{.bytes = 300 * limits::kMiB, .cgroup = "/user.slice", .limit = 700 * limits::kMiB});
  });
  CHECK(memory.check(128 * limits::kMiB));
  auto refused = memory.check(384 * limits::kMiB);
  REQUIRE_FALSE(refused);
  CHECK(
      refused.error().message ==
      "a VM of 384M does not fit: the cgroup /user.slice (its limit is 700M) has 300M of free memory, of which 0B are "
      "promised to other VMs");
}

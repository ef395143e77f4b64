// The limits of a spec at the machine in memory, at each way on which a machine begins to belong to a spec.
#include "engine/vm/guest_limits.h"

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/launch.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;

namespace {

vm::Spec limited(vm::Spec spec) {
  spec.disk_iops = 100;
  spec.disk_bandwidth_bytes = 1 << 20;
  return spec;
}

constexpr machine::DiskLimits kLimits{.operations = 100, .bytes = 1 << 20};

}  // namespace

TEST_CASE("guest limits: a machine starts with those of its spec") {
  Fixture f;
  auto vm = f.record(f.new_row("box", limited(f.small_spec())));
  auto context = vm_context(vm->parts());
  REQUIRE(context);
  MachineParts parts{.token = "token", .reason = "", .memory_file = "", .kernel = "/k", .initrds = {}, .restore = {}};
  auto booted = machine_config(*context, parts);
  REQUIRE(booted);
  CHECK(booted->disk_limits == kLimits);
  parts.restore = MachineParts::Restore{.spec = f.small_spec(), .state = {.devices = "/d", .memory = "/m"}};
  auto restored = machine_config(*context, parts);
  REQUIRE(restored);
  CHECK(restored->disk_limits == kLimits);
  CHECK(restored->restore->disk_limits == machine::DiskLimits{});
}

TEST_CASE("guest limits: a change reaches the running machine, and no other change does") {
  Fixture f;
  auto vm = f.running();
  auto process = f.host.of(vm->record().id());
  f.log.heal();
  auto spec = vm->record().spec();
  spec.labels["a"] = "b";
  REQUIRE(f.run(vm->change("box", spec)));
  CHECK(!f.log.has("vmm limit disks"));
  REQUIRE(f.run(vm->change("box", limited(spec))));
  CHECK(process->disk_limits == kLimits);
  REQUIRE(f.run(vm->change("box", spec)));
  CHECK(process->disk_limits == machine::DiskLimits{});
  f.log.fail_on("vmm limit disks");
  CHECK(!f.run(vm->change("box", limited(spec))));
}

TEST_CASE("guest limits: a machine of the ready pool gets those of its new user") {
  Fixture f;
  auto vm = f.pooled();
  REQUIRE(f.run(vm->claim({.name = "mine", .spec = limited(vm->record().spec())}, f.stages)));
  CHECK(f.host.of(vm->record().id())->disk_limits == kLimits);
}

TEST_CASE("guest limits: a daemon that died before their change is finished by the next one") {
  Fixture f;
  auto vm = f.running();
  auto id = vm->record().id();
  f.log.fail_on("vmm limit disks");
  CHECK(!f.run(vm->change("box", limited(vm->record().spec()))));
  vm.reset();
  f.log.heal();
  f.restart();
  auto again = f.load();
  REQUIRE(f.run(again->recover()));
  CHECK(f.host.of(id)->disk_limits == kLimits);
}

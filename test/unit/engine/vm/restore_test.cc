// Restoring a snapshot: all disks or none, its own VM only, and no loss that was not asked for.
#include "engine/vm/restore.h"

#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/disk_switch.h"
#include "engine/vm/steps.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;
using banger::test::at_every_step;
using banger::test::CallLog;
using banger::test::Fixture;
using vm::State;

namespace {

std::string disk(const Fixture& f, const VmOwner& vm, const char* name) {
  return f.paths.vm(vm.record().id()) + "/" + name;
}

void write_disks(const Fixture& f, const VmOwner& vm, const std::string& text) {
  for (const char* name : {"system.img", "work.img"}) REQUIRE(host::write_file(disk(f, vm, name), text));
}

// What both disks contain, or "mixed".
std::string disks(const Fixture& f, const VmOwner& vm) {
  auto system = host::read_file(disk(f, vm, "system.img"), 1000), work = host::read_file(disk(f, vm, "work.img"), 1000);
  return system && work && *system == *work ? *system : "mixed";
}

store::SaveRow snapshot(Fixture& f, VmOwner& vm, const std::string& name = "before") {
  auto saved = f.save_as(vm, store::SaveKind::snapshot, name);
  INFO((saved ? "" : saved.error().sentence()));
  REQUIRE(saved);
  return saved->row;
}

struct Suspended {
  std::shared_ptr<VmOwner> vm;
  store::SaveRow snapshot;  ///< an older one, without memory
  std::string memory;       ///< the saved state that the VM goes on from
};
Suspended suspended(Fixture& f) {
  auto vm = f.stopped();
  auto saved = snapshot(f, *vm);
  REQUIRE(f.start(*vm));
  REQUIRE(f.suspend(*vm));
  return {vm, saved, f.row()->save_id};
}

bool is_clean(const Fixture& f, const VmOwner& vm) { return leftovers(f.paths.vm(vm.record().id())).empty(); }

}  // namespace

TEST_CASE("restore: a stopped VM starts from the snapshot, with the snapshot's sizes") {
  Fixture f;
  auto vm = f.running();
  auto saved = snapshot(f, *vm);
  REQUIRE(f.run(vm->kill()));
  f.log.heal();
  REQUIRE(f.run(vm->restore(saved, Force::no)));
  CHECK(f.log.in_order("store vm restoring", "store vm stopped"));
  CHECK(f.row()->save_id == saved.id);
  REQUIRE(f.start(*vm));
  CHECK(f.row()->started_from == store::StartedFrom::snapshot);
  CHECK(f.host.of(vm->record().id())->guest->token == f.row()->link_token);
}

TEST_CASE("restore: a failure at any step leaves the disks of before or of the snapshot") {
  for (auto then : {CallLog::Then::go_on, CallLog::Then::crash}) {
    std::optional<store::SaveRow> saved;
    auto steps =
        at_every_step(then, {.prepare =
                                 [&](Fixture& f) {
                                   auto vm = f.stopped();
                                   write_disks(f, *vm, "then");
                                   saved = snapshot(f, *vm);
                                   write_disks(f, *vm, "now");
                                   return vm;
                                 },
                             .act = [&](Fixture& f, VmOwner& vm) { return f.run(vm.restore(*saved, Force::no)); },
                             .check =
                                 [&](Fixture& f, VmOwner& vm, const Result<>&) {
                                   CHECK(disks(f, vm) != "mixed");
                                   f.log.heal();
                                   CHECK(f.run(vm.restore(*saved, Force::no)));
                                   CHECK(vm.state() == State::stopped);
                                   CHECK(disks(f, vm) == "then");
                                   CHECK(is_clean(f, vm));
                                 }});
    CHECK(steps > 1);
  }
}

TEST_CASE("restore: a snapshot that cannot be copied costs a suspended VM nothing") {
  Fixture f;
  auto [vm, saved, memory] = suspended(f);
  REQUIRE(host::remove_file(f.daemon->saves.disk(saved.id, "work.img")));
  write_disks(f, *vm, "now");
  auto restored = f.run(vm->restore(saved, Force::yes));
  REQUIRE(!restored);
  CHECK(restored.error().message.starts_with("restore vm 'box': copy the disks of snapshot 'before'"));
  CHECK(vm->state() == State::suspended);
  CHECK(f.row()->save_id == memory);
  CHECK(f.daemon->saves.get(memory));
  CHECK(disks(f, *vm) == "now");
  CHECK(is_clean(f, *vm));
}

TEST_CASE("restore: saved memory is lost only by force") {
  Fixture f;
  auto [vm, saved, memory] = suspended(f);
  auto refused = f.run(vm->restore(saved, Force::no));
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::busy);
  CHECK(refused.error().hint.contains("--force"));
  CHECK(vm->state() == State::suspended);
  REQUIRE(f.run(vm->restore(saved, Force::yes)));
  CHECK(vm->state() == State::stopped);
  CHECK(f.row()->save_id.empty());
  CHECK(f.run_until([&] { return !f.daemon->saves.get(memory); }));
}

TEST_CASE("restore: a snapshot of disks forgets the memory of an earlier restore") {
  Fixture f;
  auto vm = f.stopped();
  auto disks_only = snapshot(f, *vm, "disks");
  REQUIRE(f.start(*vm));
  auto with_memory = snapshot(f, *vm, "memory");
  REQUIRE(f.run(vm->kill()));
  for (int again = 0; again < 2; ++again) REQUIRE(f.run(vm->restore(with_memory, Force::no)));
  CHECK(f.row()->save_id == with_memory.id);
  REQUIRE(f.run(vm->restore(disks_only, Force::no)));
  CHECK(f.row()->save_id.empty());
  CHECK(!f.daemon->saves.in_use(with_memory.id));
  REQUIRE(f.start(*vm));
  CHECK(f.row()->started_from == store::StartedFrom::boot);
}

TEST_CASE("restore: a snapshot of another VM is refused, with the name of that VM") {
  Fixture f;
  auto theirs = f.stopped("theirs");
  auto mine = f.stopped("mine");
  auto saved = snapshot(f, *theirs);
  write_disks(f, *mine, "now");
  for (auto force : {Force::no, Force::yes}) {
    auto refused = f.run(mine->restore(saved, force));
    REQUIRE(!refused);
    CHECK(refused.error().code == ErrorCode::invalid);
    CHECK(refused.error().message == "snapshot 'before' is of vm 'theirs', not of vm 'mine'");
    CHECK(refused.error().hint.contains("banger vm create --from before"));
    CHECK(disks(f, *mine) == "now");
  }
  store::VmRow namesake;
  namesake.id = "other";
  namesake.name = "theirs";
  CHECK(check_own_snapshot(namesake, saved).error().message == "snapshot 'before' is of an earlier vm 'theirs'");
}

TEST_CASE("restore: disks that cannot be moved leave a VM that the next operation completes") {
  Fixture f;
  auto vm = f.stopped();
  write_disks(f, *vm, "then");
  auto saved = snapshot(f, *vm);
  REQUIRE(host::remove_file(disk(f, *vm, "work.img")));
  std::filesystem::create_directories(disk(f, *vm, "work.img") + "/in-the-way");
  REQUIRE(!f.run(vm->restore(saved, Force::no)));
  CHECK(vm->state() == State::restoring);
  CHECK(!f.start(*vm));
  std::filesystem::remove_all(disk(f, *vm, "work.img"));
  REQUIRE(f.run(vm->kill()));
  CHECK(vm->state() == State::stopped);
  CHECK(disks(f, *vm) == "then");
  CHECK(is_clean(f, *vm));
}

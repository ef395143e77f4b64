// Suspending and saving: the order of writes and effects, and the state after a failure at each step.
#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/steps.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;
using banger::test::at_every_step;
using banger::test::CallLog;
using banger::test::Fixture;
using vm::State;

TEST_CASE("suspend: the machine ends after the saved state is complete and recorded") {
  Fixture f;
  auto vm = f.running();
  f.log.heal();
  REQUIRE(f.suspend(*vm));
  CHECK(vm->state() == State::suspended);
  CHECK(f.host.running().empty());
  INFO(test::steps_of(f.log));
  CHECK(f.log.in_order("agent /hold", "vmm pause"));
  CHECK(f.log.in_order("store vm suspending", "vmm pause"));
  CHECK(f.log.in_order("vmm save", "store save ready"));
  CHECK(f.log.in_order("store save ready", "store vm suspended"));
  CHECK(f.log.in_order("store vm suspended", "vmm kill"));
  CHECK(f.mismatch() == "");
}

TEST_CASE("suspend: a failure at any step leaves the VM running or suspended, as the store says") {
  at_every_step(CallLog::Then::go_on, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.suspend(vm); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             f.log.heal();
                                             if (vm.state() == State::running) CHECK(f.suspend(vm));
                                             CHECK(vm.state() == State::suspended);
                                             CHECK(f.start(vm));
                                             CHECK(f.mismatch() == "");
                                           }});
}

TEST_CASE("suspend: a crash at any step leaves a running or suspended VM") {
  at_every_step(CallLog::Then::crash, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.suspend(vm); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             CHECK((vm.state() == State::running || vm.state() == State::suspended));
                                             CHECK(f.start(vm));
                                             CHECK(f.mismatch() == "");
                                           }});
}

TEST_CASE("save: a running VM keeps running, and its disks are copied during the pause") {
  Fixture f;
  auto vm = f.running();
  f.log.heal();
  auto saved = f.save_as(*vm, store::SaveKind::snapshot, "before");
  REQUIRE(saved);
  CHECK(vm->state() == State::running);
  CHECK(f.mismatch() == "");
  for (const char* file : {"system.img", "work.img"})
    CHECK(std::filesystem::exists(f.daemon->saves.disk(saved->row.id, file)));
  CHECK(f.log.in_order("vmm pause", "vmm save"));
  CHECK(f.log.in_order("vmm save", "vmm resume"));
  CHECK(f.log.in_order("vmm resume", "store save ready"));
  CHECK(f.log.in_order("vmm resume", "agent /clock"));
  CHECK(!f.host.of(vm->record().id())->guest->held);
}

TEST_CASE("save: the clock of a guest that stood still is corrected after a save that failed") {
  for (bool suspends : {true, false}) {
    Fixture f;
    auto vm = f.running();
    f.log.fail_on("vmm save");
    if (suspends)
      CHECK(!f.suspend(*vm));
    else
      CHECK(!f.save_as(*vm, store::SaveKind::snapshot, "before"));
    CHECK(f.log.in_order("vmm resume", "agent /clock"));
    CHECK(vm->state() == State::running);
  }
}

TEST_CASE("save: a stopped VM is saved without a machine") {
  Fixture f;
  auto vm = f.stopped();
  f.log.heal();
  auto saved = f.save_as(*vm, store::SaveKind::snapshot, "before");
  REQUIRE(saved);
  CHECK(saved->row.machine.empty());
  CHECK(!f.log.has("vmm "));
}

TEST_CASE("save: a suspended VM is saved with its memory, and stays suspended") {
  for (auto kind : {store::SaveKind::snapshot, store::SaveKind::fork}) {
    Fixture f;
    auto vm = f.suspended();
    auto memory = *f.daemon->saves.get(f.row()->save_id);
    auto spec = vm->record().spec();
    spec.vcpus += 1;
    REQUIRE(f.run(vm->change("renamed", spec)));
    f.log.heal();
    auto saved = f.save_as(*vm, kind, kind == store::SaveKind::snapshot ? "before" : "");
    INFO((saved ? "" : saved.error().sentence()));
    REQUIRE(saved);
    CHECK(saved->pause.count() == 0);
    CHECK(saved->row.has_memory());
    CHECK(saved->row.vm_name == "renamed");
    CHECK(saved->row.spec == memory.spec);
    CHECK(saved->row.link_token == memory.link_token);
    CHECK(f.daemon->saves.check(saved->row, memory.build_key));
    CHECK(!f.log.has("vmm "));
    CHECK(vm->state() == State::suspended);
    auto files = [&](const std::string& id) { return f.daemon->saves.disk(id, "memory.img"); };
    CHECK(host::same_file(files(saved->row.id), files(memory.id)) == (kind == store::SaveKind::fork));
    REQUIRE(f.start(*vm));
    CHECK(f.run(f.daemon->saves.drop(saved->row.id)));
  }
}

TEST_CASE("save: a failure at any step leaves a suspended VM suspended, and no unfinished saved state") {
  at_every_step(CallLog::Then::go_on, {.prepare = [](Fixture& f) { return f.suspended(); },
                                       .act = [](Fixture& f, VmOwner& vm) -> Result<> {
                                         TRY(f.save_as(vm, store::SaveKind::snapshot, "before"));
                                         return {};
                                       },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>& result) {
                                             CHECK(vm.state() == State::suspended);
                                             if (!result)
                                               CHECK(f.daemon->saves.list(store::SaveKind::snapshot).empty());
                                             f.log.heal();
                                             CHECK(f.start(vm));
                                           }});
}

TEST_CASE("save: a failure at any step leaves the VM running and no unfinished saved state") {
  at_every_step(CallLog::Then::go_on, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) -> Result<> {
                                         TRY(f.save_as(vm, store::SaveKind::snapshot, "before"));
                                         return {};
                                       },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>& result) {
                                             CHECK(vm.state() == State::running);
                                             if (result) return;
                                             for (const auto& row : f.daemon->saves.list(store::SaveKind::snapshot))
                                               CHECK(!row.ready);
                                           }});
}

TEST_CASE("save: a crash at any step leaves a running VM") {
  at_every_step(CallLog::Then::crash, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) -> Result<> {
                                         TRY(f.save_as(vm, store::SaveKind::snapshot, "before"));
                                         return {};
                                       },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             CHECK(vm.state() == State::running);
                                             for (const auto& row : f.daemon->saves.list(store::SaveKind::snapshot))
                                               CHECK(row.ready);
                                           }});
}

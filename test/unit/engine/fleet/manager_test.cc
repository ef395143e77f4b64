// The front door to all VMs. A successful create leaves a VM, and a failed create leaves nothing.
#include "engine/fleet/manager.h"

#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "engine/fleet/fleet_fixture.h"

using namespace banger;
using namespace banger::engine;
using vm::State;

namespace {

struct Fixture : test::FleetFixture {
  /// Asks for a small VM that boots.
  static CreateRequest named(std::string name) {
    auto request = FleetFixture::named(std::move(name));
    request.cold = true;
    return request;
  }
  /// Checks that neither the store nor the disk has anything of a VM.
  bool nothing_left() const {
    return vms->registry().everything().empty() && daemon->store->vms()->empty() && daemon->store->journal()->empty() &&
           std::filesystem::is_empty(paths.vms()) && host.running().empty();
  }
};

}  // namespace

TEST_CASE("manager: a VM is created, started and found by its name") {
  Fixture f;
  auto vm = f.create(Fixture::named("box"));
  INFO((vm ? "" : vm.error().sentence()));
  REQUIRE(vm);
  CHECK((*vm)->state() == State::running);
  CHECK(f.vms->registry().get("box") == *vm);
  CHECK(f.row("box")->purpose == store::Purpose::user);
  CHECK(f.mismatch() == "");
}

TEST_CASE("manager: a VM without a name gets a name, and a VM without a start stays stopped") {
  Fixture f;
  auto request = Fixture::named("");
  request.start = false;
  auto vm = f.create(request);
  REQUIRE(vm);
  CHECK(vm::check_name((*vm)->record().name()));
  CHECK((*vm)->state() == State::stopped);
  CHECK(f.host.running().empty());
}

TEST_CASE("manager: an illegal name, a taken name and an impossible spec are refused at once") {
  Fixture f;
  REQUIRE(f.create(Fixture::named("box")));
  auto steps = f.log.steps().size();
  CHECK(f.create(Fixture::named("Box!")).error().code == ErrorCode::invalid);
  CHECK(f.create(Fixture::named("box")).error().code == ErrorCode::exists);
  auto request = Fixture::named("other");
  request.spec.vcpus = 0;
  CHECK(f.create(request).error().code == ErrorCode::invalid);
  CHECK(f.log.steps().size() == steps);
}

TEST_CASE("manager: the error names a missing image") {
  Fixture f;
  auto request = Fixture::named("box");
  request.spec.image = "none";
  auto vm = f.create(request);
  REQUIRE_FALSE(vm);
  CHECK(vm.error().code == ErrorCode::not_found);
  CHECK(f.nothing_left());
}

TEST_CASE("manager: a VM whose machine cannot be started is undone") {
  Fixture f;
  f.log.fail_on("vmm start");
  auto vm = f.create(Fixture::named("box"));
  REQUIRE_FALSE(vm);
  CHECK(vm.error().message.find("create vm 'box'") != std::string::npos);
  CHECK(f.nothing_left());
}

TEST_CASE("manager: a VM with a guest that does not become ready is kept, stopped and permanent") {
  Fixture f;
  f.config.ready_timeout = std::chrono::milliseconds(200);
  f.host.guest_token = [](const machine::MachineConfig&) { return std::string(32, 'f'); };
  auto request = Fixture::named("box");
  request.ephemeral = true;
  auto vm = f.create(request);
  REQUIRE_FALSE(vm);
  auto kept = f.vms->registry().get("box");
  REQUIRE(kept);
  CHECK((*kept)->state() == State::stopped);
  CHECK_FALSE((*kept)->record().row().last_error.empty());
  CHECK_FALSE((*kept)->record().row().ephemeral);
}

TEST_CASE("manager: a create that is cancelled leaves nothing") {
  Fixture f;
  host::Cancel cancel(f.daemon->runtime);
  cancel.request();
  auto vm = f.run(f.vms->create(Fixture::named("box"), f.stages, cancel));
  REQUIRE_FALSE(vm);
  CHECK(vm.error().code == ErrorCode::cancelled);
  CHECK(f.nothing_left());
}

TEST_CASE("manager: a VM larger than the host's memory is refused with the numbers") {
  Fixture f;
  f.config.memory_overcommit = 0;
  auto vm = f.create(Fixture::named("box"));
  REQUIRE_FALSE(vm);
  CHECK(vm.error().code == ErrorCode::exhausted);
  CHECK(f.nothing_left());
}

TEST_CASE("manager: a restart needs room for the memory that the VM has now") {
  Fixture f;
  auto vm = f.create(Fixture::named("box"));
  REQUIRE(vm);
  host::Cancel never(f.daemon->runtime);
  auto restart = [&] { return f.run(f.vms->restart(*vm, std::chrono::seconds(30), f.stages, never, WaitFor::agent)); };
  REQUIRE(restart());
  CHECK((*vm)->state() == State::running);
  f.config.memory_overcommit = 0;
  auto refused = restart();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
  CHECK((*vm)->state() == State::stopped);
}

TEST_CASE("manager: a reboot needs room for the memory that the VM has now") {
  Fixture f;
  auto vm = f.create(Fixture::named("box"));
  REQUIRE(vm);
  auto process = [&] { return f.host.of((*vm)->record().id()); };
  auto reboot = [&] { process()->end({.guest_initiated = true, .reason = "guest-reset"}); };
  auto first = process();
  reboot();
  REQUIRE(f.run_until([&] { return process() && process() != first && (*vm)->parts().link->up(); }));
  REQUIRE(f.run_until(**vm, State::running));
  f.config.memory_overcommit = 0;
  reboot();
  REQUIRE(f.run_until([&] { return !(*vm)->record().row().last_error.empty(); }));
  CHECK((*vm)->state() == State::stopped);
  CHECK((*vm)->record().row().last_error.starts_with("the guest ended, and was not started again: "));
  CHECK(f.host.running().empty());
  CHECK(f.mismatch() == "");
}

TEST_CASE("manager: a VM that does not fit leaves no template behind") {
  Fixture f;
  f.config.memory_overcommit = 0;
  auto vm = f.create(test::FleetFixture::named("box"));
  REQUIRE_FALSE(vm);
  CHECK(vm.error().code == ErrorCode::exhausted);
  CHECK_FALSE(f.log.has("vmm start"));
  CHECK(f.daemon->saves.list(store::SaveKind::template_).empty());
  CHECK(f.nothing_left());
}

TEST_CASE("manager: a removed VM is not found any more, and a running VM is removed only by force") {
  Fixture f;
  auto vm = *f.create(Fixture::named("box"));
  CHECK(f.run(f.vms->remove(vm, Force::no)).error().code == ErrorCode::busy);
  CHECK(f.vms->registry().get("box"));
  REQUIRE(f.run(f.vms->remove(vm, Force::yes)));
  CHECK_FALSE(f.vms->registry().get("box"));
  CHECK(f.nothing_left());
}

TEST_CASE("manager: a VM from a snapshot with memory is restored, a VM from a snapshot of disks boots") {
  Fixture f;
  auto vm = *f.create(Fixture::named("box"));
  auto with_memory = f.save_as(*vm, store::SaveKind::snapshot, "memory");
  REQUIRE(with_memory);
  REQUIRE(f.run(vm->kill()));
  auto disks_only = f.save_as(*vm, store::SaveKind::snapshot, "disks");
  REQUIRE(disks_only);
  auto request = Fixture::named("resumed");
  request.from = with_memory->row.id;
  auto resumed = f.create(request);
  INFO((resumed ? "" : resumed.error().sentence()));
  REQUIRE(resumed);
  CHECK((*resumed)->record().row().save_id == with_memory->row.id);
  CHECK(f.host.of((*resumed)->record().id())->config.restore);
  request = Fixture::named("booted");
  request.from = disks_only->row.id;
  auto booted = f.create(request);
  REQUIRE(booted);
  CHECK((*booted)->record().row().save_id == "");
  CHECK_FALSE(f.host.of((*booted)->record().id())->config.restore);
}

TEST_CASE("manager: the next daemon finds every VM again, running and stopped") {
  Fixture f;
  REQUIRE(f.create(Fixture::named("running")));
  auto request = Fixture::named("stopped");
  request.start = false;
  REQUIRE(f.create(request));
  f.die();
  CHECK((*f.vms->registry().get("running"))->state() == State::running);
  CHECK((*f.vms->registry().get("stopped"))->state() == State::stopped);
  CHECK(f.mismatch() == "");
}

TEST_CASE("manager: the next daemon undoes an interrupted create, and reports it") {
  Fixture f;
  f.record(f.new_row("half"));
  f.die();
  CHECK(f.vms->registry().everything().empty());
  CHECK(f.daemon->store->vms()->empty());
  CHECK(f.vms->recovery().summaries().size() == 1);
}

TEST_CASE("manager: a child of a fork is deleted by the next daemon, until the fork is complete") {
  Fixture f;
  REQUIRE(f.create(Fixture::named("parent")));
  for (bool complete : {false, true}) {
    auto saved = f.save_as(**f.vms->registry().get("parent"), store::SaveKind::fork);
    REQUIRE(saved);
    auto request = test::FleetFixture::named("child");
    request.from = saved->row.id;
    request.ephemeral = true;
    auto child = f.create(request);
    REQUIRE(child);
    if (complete) REQUIRE((*child)->make_permanent());
    child = nullptr;
    f.die();
    CHECK(f.vms->registry().find_exactly("child").operator bool() == complete);
    CHECK(f.vms->registry().find_exactly("parent"));
    CHECK(f.mismatch() == "");
  }
}

TEST_CASE("manager: the next daemon removes an unfinished template") {
  Fixture f;
  auto row = f.new_row(".making");
  row.purpose = store::Purpose::template_build;
  row.state = vm::to_string(State::stopped);
  f.record(row);
  f.die();
  CHECK(f.vms->registry().everything().empty());
  CHECK(f.daemon->store->vms()->empty());
}

// The record names a saved state only after the state is complete. In between only recovery knows the VM of the state.
TEST_CASE("manager: a complete suspend survives a crash, even if the machine ends as well") {
  bool unnamed = false;
  for (std::size_t nth = 1;; ++nth) {
    Fixture f;
    auto vm = *f.create(Fixture::named("box"));
    f.log.fail_at(nth, test::CallLog::Then::crash);
    (void)f.suspend(*vm);
    if (!f.log.hit()) break;
    INFO("the daemon died at step " << nth);
    auto saves = *f.daemon->store->saves();
    bool complete = std::ranges::any_of(saves, &store::SaveRow::ready);
    unnamed = unnamed || (complete && f.row("box")->save_id.empty());
    for (const auto& machine : f.host.running()) machine->end({.guest_initiated = false, .reason = "killed"});
    vm.reset();
    f.die();
    auto found = f.vms->registry().get("box");
    REQUIRE(found);
    CHECK((*found)->state() == (complete ? State::suspended : State::stopped));
    CHECK(f.start(**found));
    CHECK(f.row("box")->started_from == (complete ? store::StartedFrom::resume : store::StartedFrom::boot));
  }
  CHECK(unnamed);
}

TEST_CASE("manager: recovery removes saved states that no record names") {
  Fixture f;
  auto vm = *f.create(Fixture::named("box"));
  REQUIRE(f.suspend(*vm));
  auto named = vm->record().row().save_id;
  auto add = [&](const std::string& vm_id) {
    auto row = *f.daemon->saves.get(named);
    row.vm_id = vm_id;
    auto begun = f.daemon->saves.begin(row);
    REQUIRE(begun);
    REQUIRE(f.run(f.daemon->saves.finish(begun->id, Durable::no)));
    return begun->id;
  };
  auto of_vm = add(vm->record().id()), of_none = add("gone");
  vm.reset();
  f.die();
  auto exists = [&](const std::string& id) { return f.daemon->saves.owns(id); };
  CHECK(f.run_until([&] { return !exists(of_vm) && !exists(of_none); }));
  CHECK(exists(named));
}

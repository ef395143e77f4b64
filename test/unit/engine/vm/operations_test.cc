// Stopping, killing, removing and changing VMs.
#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/steps.h"

using namespace banger;
using namespace banger::engine;
using banger::test::at_every_step;
using banger::test::CallLog;
using banger::test::Fixture;
using namespace std::chrono_literals;
using vm::State;

TEST_CASE("stop: the guest shuts down, and the VM is stopped when its machine has ended") {
  Fixture f;
  auto vm = f.running();
  f.log.heal();
  auto forced = f.run(vm->stop(10s));
  REQUIRE(forced);
  CHECK(forced->empty());
  CHECK(vm->state() == State::stopped);
  CHECK(f.log.in_order("store vm stopping", "agent /shutdown"));
  CHECK(!f.log.has("vmm kill"));
  CHECK(f.row()->machine.empty());
  CHECK(f.daemon->store->journal()->empty());
  CHECK(f.mismatch() == "");
}

TEST_CASE("stop: a guest that ignores the request is killed, and the record says so") {
  Fixture f;
  f.host.obeys_shutdown = f.host.obeys_button = false;
  auto vm = f.running();
  auto forced = f.run(vm->stop(1ms));
  REQUIRE(forced);
  CHECK(*forced == "the guest did not power off in time; its machine was killed");
  CHECK(f.log.has("vmm kill"));
  CHECK(f.row()->last_error.contains("did not power off"));
  CHECK(f.mismatch() == "");
}

TEST_CASE("stop: an agent that refuses leaves the power button") {
  Fixture f;
  auto vm = f.running();
  f.log.fail_on("agent /shutdown");
  REQUIRE(f.stop(*vm, 10s));
  CHECK(f.log.has("vmm power button"));
  CHECK(!f.log.has("vmm kill"));
}

TEST_CASE("stop: a stop that failed at any step can be repeated") {
  at_every_step(CallLog::Then::go_on, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.stop(vm, 10s); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             f.log.heal();
                                             CHECK(f.stop(vm, 10s));
                                             CHECK(vm.state() == State::stopped);
                                             CHECK(f.mismatch() == "");
                                           }});
}

TEST_CASE("stop: after a crash at any step the next daemon recovers the VM") {
  at_every_step(CallLog::Then::crash, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.stop(vm, 50ms); },
                                       .check = {}});
}

TEST_CASE("exit: a machine that ends by itself is recorded, with the reason when it was not the guest") {
  Fixture f;
  auto vm = f.running();
  f.host.of(vm->record().id())->end({.guest_initiated = false, .reason = "killed by signal 11"});
  REQUIRE(f.run_until(*vm, State::stopped));
  CHECK(f.row()->last_error == "the machine ended: killed by signal 11");
  REQUIRE(f.start(*vm));
  CHECK(f.row()->last_error.empty());
  f.host.of(vm->record().id())->end({.guest_initiated = true, .reason = "guest-shutdown"});
  REQUIRE(f.run_until(*vm, State::stopped));
  CHECK(f.row()->last_error.empty());
  CHECK(f.mismatch() == "");
}

TEST_CASE("remove: nothing is left, even after a failure at any step") {
  at_every_step(CallLog::Then::go_on, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.run(vm.remove(Force::yes)); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             f.log.heal();
                                             CHECK(f.run(vm.remove(Force::yes)));
                                             CHECK(vm.record().gone());
                                             CHECK(!f.row());
                                             CHECK(f.host.running().empty());
                                             CHECK(f.daemon->store->journal()->empty());
                                             CHECK(!std::filesystem::exists(f.paths.vm(vm.record().id())));
                                           }});
}

TEST_CASE("remove: a crash at any step leaves a complete VM or none") {
  at_every_step(CallLog::Then::crash, {.prepare = [](Fixture& f) { return f.running(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.run(vm.remove(Force::yes)); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             if (vm.record().gone())
                                               CHECK(!std::filesystem::exists(f.paths.vm(vm.record().id())));
                                             else
                                               CHECK(f.start(vm));
                                           }});
}

TEST_CASE("change: the record changes first, and disks only grow") {
  Fixture f;
  auto vm = f.stopped();
  auto spec = vm->record().spec();
  spec.vcpus = 3;
  REQUIRE(f.run(vm->change("other", spec)));
  CHECK(f.row("other"));
  CHECK(vm->record().spec().vcpus == 3);
  spec.disk_bytes -= 1;
  auto shrunk = f.run(vm->change("other", spec));
  REQUIRE(!shrunk);
  CHECK(shrunk.error().code == ErrorCode::invalid);
  f.log.fail_on("store vm");
  spec = vm->record().spec();
  spec.vcpus = 4;
  CHECK(!f.run(vm->change("third", spec)));
  CHECK(vm->record().spec().vcpus == 3);
  CHECK(vm->record().name() == "other");
}

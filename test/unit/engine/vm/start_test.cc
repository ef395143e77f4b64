// Starting a VM: the order of writes and effects, and the state after a failure at each step.
#include <fmt/format.h>

#include <algorithm>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/steps.h"
#include "support/sync_watch.h"

using namespace banger;
using namespace banger::engine;
using banger::test::at_every_step;
using banger::test::CallLog;
using banger::test::Fixture;
using vm::State;

TEST_CASE("start: a VM boots, and is running when its agent answers") {
  Fixture f;
  auto vm = f.stopped();
  f.log.heal();
  REQUIRE(f.start(*vm));
  CHECK(vm->state() == State::running);
  CHECK(f.row()->state == "running");
  CHECK(f.row()->started_from == store::StartedFrom::boot);
  CHECK(f.row()->booted);
  REQUIRE(f.host.of(vm->record().id()));
  CHECK(f.mismatch() == "");
  INFO(test::steps_of(f.log));
  CHECK(f.log.in_order("store vm starting", "vmm start"));
  CHECK(f.log.in_order("store journal process", "vmm start"));
  CHECK(f.log.in_order("vmm link", "store vm running"));
  CHECK(f.run(vm->kill()));
}

namespace {

// A daemon whose log tells when its records reach the disk.
struct WatchedDisk : Fixture {
  WatchedDisk() { restart(); }
  test::SyncWatch watch{[this] { (void)log.step("sync"); }};
};

}  // namespace

TEST_CASE("start: only the state that a VM arrives in waits for the disk") {
  WatchedDisk f;
  auto vm = f.stopped();
  f.log.heal();
  REQUIRE(f.start(*vm));
  INFO(test::steps_of(f.log));
  CHECK(std::ranges::count(f.log.steps(), "sync") == 1);
  CHECK(f.log.in_order("store vm running", "sync"));
}

TEST_CASE("start: a power cut during a resume cannot bring the old memory back") {
  WatchedDisk f;
  auto vm = f.suspended();
  f.log.heal();
  REQUIRE(f.start(*vm));
  INFO(test::steps_of(f.log));
  CHECK(f.log.in_order("store vm starting", "sync"));
  CHECK(f.log.in_order("sync", "vmm start"));
}

TEST_CASE("start: a running VM is left unchanged") {
  Fixture f;
  auto vm = f.running();
  f.log.heal();
  CHECK(f.start(*vm));
  CHECK(f.log.steps().empty());
}

TEST_CASE("start: a start that waits for the system returns when the system is up") {
  Fixture f;
  auto vm = f.stopped();
  REQUIRE(f.start(*vm, WaitFor::system));
  CHECK(vm->parts().link->system_up());
}

namespace {

// A daemon whose guests never come up beyond their agents, and that does not wait long for their systems.
struct LateSystem : Fixture {
  LateSystem() {
    host.system_ready = false;
    daemon->store->observe_writes([this](std::string_view, std::string_view what) -> Result<> {
      if (what == "running") config.ready_timeout = std::chrono::milliseconds(0);
      return {};
    });
  }
};

}  // namespace

TEST_CASE("start: by default the system of a guest that boots is waited for, but not after a resume") {
  LateSystem f;
  auto vm = f.stopped();
  CHECK(!f.start(*vm, WaitFor::booted));
  REQUIRE(f.suspend(*vm));
  CHECK(f.start(*vm, WaitFor::booted));
}

TEST_CASE("start: a guest whose system is late keeps running") {
  LateSystem f;
  auto vm = f.stopped();
  auto started = f.start(*vm, WaitFor::system);
  REQUIRE(!started);
  CHECK(started.error().code == ErrorCode::timeout);
  CHECK(started.error().message == "start vm 'box': the guest's init did not reach its boot target in time");
  CHECK(started.error().hint.contains("--wait agent"));
  CHECK(vm->state() == State::running);
  CHECK(f.mismatch() == "");
}

TEST_CASE("start: a caller that gives up leaves a stopped VM") {
  Fixture f;
  auto vm = f.stopped();
  host::Cancel cancel(f.daemon->runtime);
  cancel.request();
  auto started = f.run(vm->start(f.stages, cancel, WaitFor::agent));
  REQUIRE(!started);
  CHECK(started.error().code == ErrorCode::cancelled);
  CHECK(vm->state() == State::stopped);
  CHECK(f.host.running().empty());
}

TEST_CASE("start: the error has the reason of a guest that ends before it is ready") {
  Fixture f;
  auto vm = f.stopped();
  f.host.ends_at_once = true;
  auto started = f.start(*vm);
  REQUIRE(!started);
  CHECK(vm->state() == State::stopped);
  CHECK(f.row()->last_error.contains("the guest ended before it was ready: guest-shutdown"));
  CHECK(f.host.running().empty());
}

TEST_CASE("start: a failure at any step leaves a stopped VM that can be started") {
  auto steps = at_every_step(CallLog::Then::go_on,
                             {.prepare = [](Fixture& f) { return f.stopped(); },
                              .act = [](Fixture& f, VmOwner& vm) { return f.start(vm); },
                              .check =
                                  [](Fixture& f, VmOwner& vm, const Result<>& result) {
                                    CHECK((result || vm.state() == State::stopped || vm.state() == State::running));
                                    f.log.heal();
                                    CHECK(f.start(vm));
                                    CHECK(vm.state() == State::running);
                                    CHECK(f.mismatch() == "");
                                  }});
  CHECK(steps > 8);
}

TEST_CASE("start: after a crash at any step the next daemon recovers the VM") {
  at_every_step(CallLog::Then::crash, {.prepare = [](Fixture& f) { return f.stopped(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.start(vm); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             CHECK(f.start(vm));
                                             CHECK(f.mismatch() == "");
                                           }});
}

TEST_CASE("start: a suspended VM resumes, and a failure before its guest ran leaves it suspended") {
  at_every_step(CallLog::Then::go_on, {.prepare = [](Fixture& f) { return f.suspended(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.start(vm); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>& result) {
                                             bool ran = vm.parts().machine->was_started();
                                             if (!result && !ran) CHECK(vm.state() == State::suspended);
                                             f.log.heal();
                                             CHECK(f.start(vm));
                                             CHECK(f.mismatch() == "");
                                           }});
}

TEST_CASE("start: a crash during a resume loses no memory before the guest ran") {
  at_every_step(CallLog::Then::crash, {.prepare = [](Fixture& f) { return f.suspended(); },
                                       .act = [](Fixture& f, VmOwner& vm) { return f.start(vm); },
                                       .check =
                                           [](Fixture& f, VmOwner& vm, const Result<>&) {
                                             if (f.host.processes.size() < 2) CHECK(vm.state() == State::suspended);
                                             CHECK(f.start(vm));
                                             CHECK(f.mismatch() == "");
                                           }});
}

TEST_CASE("start: a guest that hangs while it boots boots again") {
  Fixture f;
  auto vm = f.stopped();
  f.host.hanging_boots = 2;
  REQUIRE(f.start(*vm));
  CHECK(vm->state() == State::running);
  CHECK(f.host.processes.size() == 3);
  CHECK(f.host.running().size() == 1);
  CHECK(f.mismatch() == "");
  CHECK(f.row()->last_error.empty());
  CHECK(f.run(vm->kill()));
}

TEST_CASE("start: a guest that hangs at each boot is waited for once") {
  Fixture f;
  auto vm = f.stopped();
  f.host.hanging_boots = 100;
  f.config.ready_timeout = std::chrono::milliseconds(300);
  auto started = f.start(*vm);
  REQUIRE(!started);
  CHECK(started.error().code == ErrorCode::timeout);
  CHECK(started.error().message.contains("did not become ready within"));
  CHECK(f.host.processes.size() == 3);
  CHECK(f.host.running().empty());
  CHECK(vm->state() == State::stopped);
  CHECK(f.mismatch() == "");
}

TEST_CASE("start: a cancelled start does not boot a guest that hangs again") {
  Fixture f;
  auto vm = f.stopped();
  f.host.hanging_boots = 100;
  host::Cancel cancel(f.daemon->runtime);
  cancel.request();
  auto started = f.run(vm->start(f.stages, cancel, WaitFor::agent));
  REQUIRE(!started);
  CHECK(started.error().code == ErrorCode::cancelled);
  CHECK(f.host.running().empty());
}

// A guest that reboots goes on as the same VM, unless it does so again and again.
#include "engine/vm/reboots.h"

#include "catch.h"
#include "engine/bounds.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using namespace std::chrono_literals;
using vm::State;

namespace {

const machine::MachineExit kReset{.guest_initiated = true, .reason = "guest-reset"};

// Ends the machine, and waits until another one runs or the VM is stopped.
void reboot(Fixture& f, VmOwner& vm) {
  auto before = f.host.of(vm.record().id());
  REQUIRE(before);
  before->end(kReset);
  REQUIRE(f.run_until([&] {
    auto now = f.host.of(vm.record().id());
    bool again = now && now != before && vm.state() == State::running && vm.parts().link->up();
    return again || (vm.state() == State::stopped && !vm.record().row().ended.empty() && f.host.running().empty() &&
                     !vm.record().row().last_error.empty());
  }));
}

}  // namespace

TEST_CASE("reboots: a guest that reboots runs again, and its record is that of a boot") {
  Fixture f;
  auto vm = f.running();
  reboot(f, *vm);
  CHECK(f.row()->state == "running");
  CHECK(f.row()->started_from == store::StartedFrom::boot);
  CHECK(f.row()->ended.empty());
  CHECK(f.row()->last_error.empty());
  CHECK(f.mismatch() == "");
  REQUIRE(f.stop(*vm, 1min));
  CHECK(vm->state() == State::stopped);
}

TEST_CASE("reboots: a guest from a saved state boots from its disks") {
  Fixture f;
  auto vm = f.suspended();
  REQUIRE(f.start(*vm));
  reboot(f, *vm);
  CHECK(f.row()->started_from == store::StartedFrom::boot);
  CHECK(f.row()->save_id.empty());
  CHECK(f.mismatch() == "");
}

TEST_CASE("reboots: a guest that reboots without end is stopped, and the record says why") {
  Fixture f;
  auto vm = f.running();
  for (std::size_t i = 0; i < limits::kReboots; ++i) {
    reboot(f, *vm);
    CHECK(vm->state() == State::running);
  }
  reboot(f, *vm);
  CHECK(vm->state() == State::stopped);
  CHECK(f.row()->last_error == "the guest rebooted more than 5 times within 5 minutes, and was not started again");
  CHECK(f.row()->ended == f.row()->last_error);
  CHECK(f.mismatch() == "");
  CHECK(f.start(*vm));
}

TEST_CASE("reboots: a kill during the boot ends it") {
  Fixture f;
  auto vm = f.running();
  auto before = f.host.of(vm->record().id());
  before->end(kReset);
  REQUIRE(f.run(vm->kill()));
  CHECK(vm->state() == State::stopped);
  CHECK(f.host.running().empty());
  CHECK(f.mismatch() == "");
}

TEST_CASE("reboots: what starts again after which end, by the VM's wish") {
  const machine::MachineExit shutdown{.guest_initiated = true, .reason = "guest-shutdown"};
  const machine::MachineExit panic{.guest_initiated = false, .reason = "kernel panic: oops"};
  using vm::Restart;
  store::VmRow vm;
  for (auto restart : {Restart::no, Restart::on_failure, Restart::always}) {
    CHECK(starts_after(kReset, vm, restart));
    CHECK(starts_after(panic, vm, restart) == (restart != Restart::no));
    CHECK(starts_after(shutdown, vm, restart) == (restart == Restart::always));
  }
  vm.ephemeral = true;
  CHECK(!starts_after(kReset, vm, Restart::always));
  vm.ephemeral = false;
  vm.purpose = store::Purpose::pool;
  CHECK(!starts_after(kReset, vm, Restart::always));
}

TEST_CASE("reboots: a VM that wants it starts again after a panic, but not after a stop") {
  Fixture f;
  auto vm = f.running();
  auto spec = vm->record().spec();
  spec.restart = vm::Restart::on_failure;
  REQUIRE(f.run(vm->change("box", spec)));
  auto before = f.host.of(vm->record().id());
  before->end({.guest_initiated = false, .reason = "kernel panic: oops"});
  REQUIRE(f.run_until([&] {
    auto now = f.host.of(vm->record().id());
    return now && now != before && vm->state() == State::running && vm->parts().link->up();
  }));
  CHECK(f.mismatch() == "");
  REQUIRE(f.stop(*vm, 1min));
  CHECK(vm->state() == State::stopped);
  CHECK(f.host.running().empty());
}

TEST_CASE("reboots: a guest that fails without end is stopped, with its last end") {
  machine::MachineExit panic{.guest_initiated = false, .reason = "kernel panic: oops"};
  CHECK(RebootLimit::refusal(panic) ==
        "the guest ended more than 5 times within 5 minutes, and was not started again; at last: kernel panic: oops");
}

TEST_CASE("reboots: a machine that nobody uses yet stays down, and its record says why") {
  Fixture f;
  auto vm = f.pooled();
  f.host.of(vm->record().id())->end(kReset);
  REQUIRE(f.run_until(*vm, State::stopped));
  CHECK(vm->record().row().ended == "the guest rebooted");
  CHECK(f.host.running().empty());
}

TEST_CASE("reboots: old reboots do not count") {
  RebootLimit limit;
  auto now = host::Clock::now();
  for (int i = 0; i < 20; ++i)
    CHECK(limit.admit(now += std::chrono::seconds(limits::kRebootWindow) / (limits::kReboots - 1)));
  for (std::size_t i = 0; i < limits::kReboots; ++i) (void)limit.admit(now);
  CHECK(!limit.admit(now));
  CHECK(limit.admit(now + limits::kRebootWindow + 1s));
}

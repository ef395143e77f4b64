// Recovery after a daemon start: the plan as a table, and some plans carried out.
#include "engine/vm/recovery.h"

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/steps.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using vm::State;
using Action = RecoveryAction;

namespace {

store::VmRow booted(std::string machine = "") {
  store::VmRow row;
  row.name = "box";
  row.booted = true;
  row.machine = std::move(machine);
  return row;
}

Action plan(const store::VmRow& row, State state, const SavedStatesOfVm& saves = {}) {
  return plan_recovery(row, state, saves).action;
}

}  // namespace

TEST_CASE("recovery: each state has its action") {
  CHECK(plan(booted(), State::creating) == Action::discard);
  CHECK(plan(booted(), State::stopped) == Action::nothing);
  CHECK(plan(booted(), State::starting) == Action::adopt);
  CHECK(plan(booted(), State::running) == Action::adopt);
  CHECK(plan(booted(), State::stopping) == Action::stop);
  CHECK(plan(booted(), State::suspending) == Action::undo_suspend);
  CHECK(plan(booted(), State::suspending, {.suspended = true}) == Action::adopt_suspended);
  CHECK(plan(booted(), State::suspended) == Action::nothing);
  CHECK(plan(booted("{}"), State::suspended) == Action::suspend);
  CHECK(plan(booted(), State::deleting) == Action::discard);
}

TEST_CASE("recovery: unfinished machines without a user are removed") {
  for (auto state : {State::creating, State::stopped, State::starting, State::running, State::suspending}) {
    auto row = booted();
    row.purpose = store::Purpose::template_build;
    CHECK(plan(row, state) == Action::discard);
    row.purpose = store::Purpose::pool;
    CHECK(plan(row, state) == (state == State::running ? Action::adopt : Action::discard));
    row = booted();
    row.ephemeral = true;
    CHECK(plan(row, state) == Action::discard);
  }
}

TEST_CASE("recovery: a VM from a saved state that was never finished is removed") {
  auto row = booted();
  CHECK(plan(row, State::stopped, {.has_own = false}) == Action::nothing);
  row.booted = false;
  CHECK(plan(row, State::stopped, {.has_own = false}) == Action::discard);
  CHECK(plan(row, State::stopped) == Action::nothing);
}

TEST_CASE("recovery: every action has a summary with the name of the VM") {
  for (auto state :
       {State::creating, State::starting, State::running, State::stopping, State::suspending, State::deleting})
    CHECK(plan_recovery(booted(), state, {}).summary.starts_with("vm 'box': "));
  CHECK(plan_recovery(booted(), State::stopped, {}).summary.empty());
}

TEST_CASE("recovery: without its machine a VM is stopped, or suspended if its guest never resumed") {
  CHECK(plan_without_machine("box", State::running, store::SaveKind::suspend, GuestRan::no, {}).state ==
        State::stopped);
  CHECK(plan_without_machine("box", State::starting, {}, GuestRan::no, {}).state == State::stopped);
  CHECK(plan_without_machine("box", State::starting, store::SaveKind::template_, GuestRan::no, {}).state ==
        State::stopped);
  CHECK(plan_without_machine("box", State::starting, store::SaveKind::suspend, GuestRan::maybe, {}).state ==
        State::stopped);
  CHECK(plan_without_machine("box", State::starting, store::SaveKind::suspend, GuestRan::no, {}).state ==
        State::suspended);
  CHECK(plan_without_machine("box", State::running, {}, GuestRan::maybe, {}).ended.last_error ==
        "the machine ended while the daemon was not running");
}

TEST_CASE("recovery: a running machine is adopted, and its agent is found again") {
  Fixture f;
  f.running();
  f.restart();
  auto vm = f.load();
  auto recovered = f.run(vm->recover());
  REQUIRE(recovered);
  CHECK(*recovered == "vm 'box': adopted; it kept running");
  CHECK(f.run_until([&] { return vm->parts().link->up(); }));
  CHECK(f.log.has("agent /clock"));
  CHECK(f.mismatch() == "");
  REQUIRE(f.run(vm->stop(std::chrono::seconds(10))));
}

TEST_CASE("recovery: a machine that ended without a daemon is recorded") {
  Fixture f;
  f.running();
  f.host.running().front()->end({.guest_initiated = true, .reason = "guest-shutdown"});
  f.restart();
  auto vm = f.load();
  REQUIRE(f.run(vm->recover()));
  CHECK(vm->state() == State::stopped);
  CHECK(f.row()->last_error == "the machine ended while the daemon was not running");
  CHECK(f.daemon->store->journal()->empty());
}

namespace {

// A VM whose machine has ended while no daemon ran, with these last words of its guest.
std::shared_ptr<VmOwner> ended_unseen(Fixture& f, const std::string& words) {
  auto vm = f.running();
  auto console = vm->parts().disks.directory() + "/console.log";
  REQUIRE(host::write_file(console, "a guest came up\n" + words + "\n"));
  f.host.running().front()->end({.guest_initiated = true, .reason = "unseen"});
  vm.reset();
  f.restart();
  return f.load();
}

}  // namespace

TEST_CASE("recovery: a guest that has rebooted without a daemon runs again") {
  Fixture f;
  auto vm = ended_unseen(f, "[ 7.0] reboot: Restarting system");
  auto recovered = f.run(vm->recover());
  REQUIRE(recovered);
  CHECK(*recovered == "vm 'box': recorded as stopped; the guest rebooted, and is started again");
  CHECK(vm->state() == State::stopped);
  CHECK(f.row()->ended == "the guest rebooted");
  CHECK(f.row()->last_error.empty());
  REQUIRE(f.run_until(*vm, State::running));
  CHECK(f.row()->started_from == store::StartedFrom::boot);
  CHECK(f.mismatch() == "");
  REQUIRE(f.stop(*vm, std::chrono::minutes(1)));
}

TEST_CASE("recovery: a reboot without a daemon is not finished after a stop, a kill or a removal") {
  Fixture f;
  auto vm = ended_unseen(f, "reboot: Restarting system");
  auto idle = [&] {
    return f.run([](host::Runtime& loop) -> Task<> { co_await loop.sleep_for({}); }(f.daemon->runtime));
  };
  SECTION("stop") {
    REQUIRE(f.run(vm->recover()));
    REQUIRE(f.stop(*vm, std::chrono::minutes(1)));
    CHECK(vm->state() == State::stopped);
  }
  SECTION("kill") {
    REQUIRE(f.run(vm->recover()));
    REQUIRE(f.run(vm->kill()));
    CHECK(vm->state() == State::stopped);
  }
  SECTION("a stop before the recovery") {
    REQUIRE(f.stop(*vm, std::chrono::minutes(1)));
    REQUIRE(f.run(vm->recover()));
    CHECK(vm->state() == State::stopped);
  }
  SECTION("removal") {
    REQUIRE(f.run(vm->recover()));
    REQUIRE(f.run(vm->remove(Force::yes)));
  }
  REQUIRE(idle());
  CHECK(f.host.running().empty());
}

TEST_CASE("recovery: the record tells how a guest has ended without a daemon, if its console does") {
  Fixture f;
  SECTION("it shut down") {
    auto vm = ended_unseen(f, "reboot: Power down");
    REQUIRE(f.run(vm->recover()));
    CHECK(f.row()->ended == "the guest shut down");
    CHECK(f.row()->last_error.empty());
  }
  SECTION("it panicked") {
    auto vm = ended_unseen(f, "Kernel panic - not syncing: oops");
    REQUIRE(f.run(vm->recover()));
    CHECK(f.row()->ended == "kernel panic: oops");
    CHECK(f.row()->last_error == "the machine ended: kernel panic: oops");
  }
  CHECK(f.row()->state == "stopped");
  CHECK(f.host.running().empty());
}

TEST_CASE("recovery: an ephemeral VM is removed with everything it left") {
  Fixture f;
  auto row = f.new_row("box");
  row.ephemeral = true;
  auto vm = f.record(row);
  host::Cancel never(f.daemon->runtime);
  REQUIRE(f.run(vm->make(f.stages, never)));
  REQUIRE(f.start(*vm));
  vm.reset();
  f.restart();
  vm = f.load();
  REQUIRE(f.run(vm->recover()));
  CHECK(vm->record().gone());
  CHECK(f.host.running().empty());
  CHECK(!f.row());
}

TEST_CASE("recovery: a failure at any step leaves a VM that can be recovered again") {
  test::at_every_step(test::CallLog::Then::go_on, {.prepare =
                                                       [](Fixture& f) {
                                                         f.running();
                                                         f.restart();
                                                         return f.load();
                                                       },
                                                   .act = [](Fixture& f, VmOwner& vm) -> Result<> {
                                                     TRY(f.run(vm.recover()));
                                                     return {};
                                                   },
                                                   .check =
                                                       [](Fixture& f, VmOwner& vm, const Result<>&) {
                                                         f.log.heal();
                                                         CHECK(f.run(vm.recover()));
                                                         CHECK(f.mismatch() == "");
                                                       }});
}

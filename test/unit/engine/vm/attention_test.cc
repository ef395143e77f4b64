// Guests that stand still: paused by the VMM, silent, or halted.
#include "engine/vm/attention.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "engine/bounds.h"
#include "engine/fixture.h"
#include "host/files.h"
#include "machine/files.h"

using namespace banger;
using namespace banger::engine;
using namespace std::chrono_literals;
using vm::State;

namespace {

constexpr const char* kNoSpace = "the host could not write the guest's disk: No space left on device";

struct Box : test::Fixture {
  Box() : vm(running()), process(host.of(vm->record().id())) { log.heal(); }
  void pause() {
    process->paused_because = kNoSpace;
    process->room = false;
  }
  void look() { run(VmOwner::look_after(vm)); }
  // The guest answers no new connection.
  void break_link() {
    process->guest->token = std::string(32, '0');
    vm->parts().link->client()->close();
    REQUIRE(run_until([&] { return !vm->parts().link->up(); }));
  }
  void print(const std::string& text) {
    REQUIRE(banger::host::write_file(vm->parts().disks.directory() + "/" + std::string(machine::kConsoleLog), text));
  }
  std::shared_ptr<VmOwner> vm;
  std::shared_ptr<test::FakeProcess> process;
};

}  // namespace

TEST_CASE("attention: a guest that the VMM has paused goes on when there is room") {
  Box f;
  f.pause();
  f.look();
  CHECK(f.log.has("vmm resume"));
  CHECK(f.vm->parts().machine->paused_because() == kNoSpace);
  CHECK(f.vm->state() == State::running);
  f.process->room = true;
  f.look();
  CHECK(f.vm->parts().machine->paused_because().empty());
  f.log.heal();
  f.look();
  CHECK(!f.log.has("vmm resume"));
}

TEST_CASE("attention: a guest that the VMM pauses while it boots goes on when there is room") {
  test::Fixture f;
  auto vm = f.stopped();
  f.host.hanging_boots = 1;  // so that the start waits
  f.config.ready_timeout = std::chrono::minutes(10);
  f.daemon->runtime.spawn([](test::Fixture* fixture, std::shared_ptr<VmOwner> owner) -> Task<> {
    banger::host::Cancel never(fixture->daemon->runtime);
    (void)co_await owner->start(fixture->stages, never, WaitFor::agent);
  }(&f, vm));
  REQUIRE(f.run_until([&] { return f.host.of(vm->record().id()) != nullptr && vm->state() == State::starting; }));
  REQUIRE(f.run_until([&] { return vm->parts().machine->running(); }));
  auto process = f.host.of(vm->record().id());
  process->paused_because = kNoSpace;
  process->room = true;
  CHECK(f.run(VmOwner::look_after(vm)));
  CHECK(vm->state() == State::starting);
  CHECK(process->paused_because.empty());
  CHECK(f.run(vm->kill()));
}

TEST_CASE("attention: requests to a paused guest fail at once, with the reason and the way out") {
  Box f;
  f.pause();
  auto client = f.run(f.vm->parts().link->client(banger::host::after(1min)));
  REQUIRE(!client);
  CHECK(client.error().code == ErrorCode::unavailable);
  CHECK(client.error().message == std::string("vm 'box' is paused: ") + kNoSpace);
  CHECK(client.error().hint.find("banger vm resume box") != std::string::npos);
  auto saved = f.save_as(*f.vm, store::SaveKind::snapshot, "s");
  REQUIRE(!saved);
  CHECK(saved.error().sentence().find("No space left on device") != std::string::npos);
  auto suspended = f.suspend(*f.vm);
  REQUIRE(!suspended);
  CHECK(suspended.error().sentence().find("No space left on device") != std::string::npos);
  CHECK(f.vm->state() == State::running);
  f.process->room = true;
  f.look();
  CHECK(f.run(f.vm->parts().link->client(banger::host::after(1min))));
}

TEST_CASE("attention: a start of a running VM lets a paused guest go on, or says why it cannot") {
  Box f;
  f.pause();
  auto started = f.start(*f.vm);
  REQUIRE(!started);
  CHECK(started.error().code == ErrorCode::exhausted);
  CHECK(started.error().message == std::string("vm 'box' is still paused: ") + kNoSpace);
  f.process->room = true;
  CHECK(f.start(*f.vm));
  CHECK(f.vm->parts().machine->paused_because().empty());
  CHECK(f.vm->state() == State::running);
}

TEST_CASE("attention: a paused guest is stopped at once, and the record says why it was killed") {
  Box f;
  f.pause();
  REQUIRE(f.run(f.vm->stop(1h)));
  CHECK(f.vm->state() == State::stopped);
  CHECK(f.row()->last_error.find("No space left on device") != std::string::npos);
  CHECK(f.row()->last_error.find("its machine was killed") != std::string::npos);
  CHECK(f.mismatch() == "");
}

TEST_CASE("attention: a paused guest that finds room again shuts down in order") {
  Box f;
  f.pause();
  f.process->room = true;
  REQUIRE(f.run(f.vm->stop(1min)));
  CHECK(f.log.in_order("vmm resume", "agent /clock"));
  CHECK(f.log.in_order("vmm resume", "agent /shutdown"));
  CHECK(!f.log.has("vmm kill"));
  CHECK(f.row()->last_error.empty());
}

TEST_CASE("attention: a paused guest that could not be resumed is tried again") {
  Box f;
  f.pause();
  f.process->room = true;
  f.log.fail_on("vmm resume");
  f.look();
  CHECK(!f.vm->parts().machine->paused_because().empty());
  f.log.heal();
  f.look();
  CHECK(f.vm->parts().machine->paused_because().empty());
}

TEST_CASE("attention: a guest that halted and does not answer has ended, one that only prints so has not") {
  Box f;
  f.print("[ 9.1] reboot: System halted\r\n");
  f.look();
  CHECK(f.vm->state() == State::running);
  CHECK(!f.vm->parts().link->silent());
  f.break_link();
  f.look();
  REQUIRE(f.run_until(*f.vm, State::stopped));
  CHECK(f.log.has("vmm end as"));
  CHECK(f.row()->last_error.empty());
  CHECK(f.row()->ended == "the guest shut down");
  CHECK(f.row()->ended_at > 0);
  CHECK(f.mismatch() == "");
}

TEST_CASE("attention: a halted guest whose link is up is noticed by its silence") {
  Box f;
  f.process->guest->fall_silent();
  f.print("[ 9.1] reboot: System halted\r\n");
  f.look();
  REQUIRE(f.run_until(*f.vm, State::stopped));
  CHECK(f.row()->ended == "the guest shut down");
}

TEST_CASE("attention: a silent guest is noted, and is not ended") {
  Box f;
  auto link = f.vm->parts().link;
  link->set_silent(true);
  CHECK(link->silent());
  CHECK(link->up());
  f.look();  // the guest was heard a moment ago
  CHECK(!link->silent());
  CHECK(f.vm->state() == State::running);
  link->set_silent(true);
  f.break_link();
  CHECK(!link->silent());
}

TEST_CASE("attention: a guest that an operation waits for is judged, unless the operation has paused the guest") {
  Box f;
  auto link = f.vm->parts().link;
  auto suspend = [](std::shared_ptr<VmOwner> vm) -> Task<> {
    Stages stages{Report{}};
    (void)co_await vm->suspend(stages);
  };
  f.process->guest->fall_silent();
  f.daemon->runtime.spawn(suspend(f.vm));
  CHECK(f.run(f.daemon->runtime.sleep_for(1ms)));  // the operation holds the turn, and waits for the guest
  link->set_silent(true);
  f.look();  // the guest was heard a moment ago
  CHECK(!link->silent());
  f.vm->parts().machine->stand(true);
  link->set_silent(true);
  f.look();
  CHECK(link->silent());
  f.vm->parts().machine->stand(false);
  f.look();
  CHECK(!link->silent());
  f.break_link();  // the operation ends
  CHECK(f.run(f.vm->kill()));
}

TEST_CASE("attention: a save says when its guest stands still") {
  Box f;
  f.host.early = true;
  auto began = banger::host::Clock::now();
  bool stood = false;
  auto can_start = [&](const store::SaveRow&) {
    stood = f.vm->parts().machine->has_stood(banger::host::Clock::now() + 1min);
  };
  store::SaveRow row;
  row.kind = store::SaveKind::fork;
  REQUIRE(f.run(f.vm->save_as(row, f.stages, can_start)));
  CHECK(stood);
  CHECK(f.vm->parts().machine->has_stood(began));
  CHECK(!f.vm->parts().machine->has_stood(banger::host::Clock::now() + 1min));
}

TEST_CASE("attention: a stop does not wait for a guest that has halted") {
  Box f;
  f.host.obeys_shutdown = f.host.obeys_button = false;
  f.print("[ 9.1] reboot: System halted\r\n");
  REQUIRE(f.run(f.vm->stop(1h)));
  CHECK(f.row()->last_error.empty());
  CHECK(f.row()->ended == "stopped");
}

TEST_CASE("attention: a halted guest whose machine cannot be ended is tried again") {
  Box f;
  f.break_link();
  f.print("[ 9.1] reboot: System halted\r\n");
  f.log.fail_on("vmm end as");
  f.look();
  CHECK(f.log.has("vmm end as"));
  CHECK(f.vm->state() == State::running);
  f.log.heal();
  f.look();
  CHECK(f.run_until(*f.vm, State::stopped));
}

TEST_CASE("attention: the record keeps how and when a machine ended, until the next start") {
  test::Fixture f;
  auto vm = f.stopped();
  CHECK(f.row()->ended.empty());
  CHECK(f.row()->ended_at == 0);
  auto end = [&](machine::MachineExit exit) {
    REQUIRE(f.start(*vm));
    CHECK(f.row()->ended.empty());
    CHECK(f.row()->ended_at == 0);
    f.host.of(vm->record().id())->end(std::move(exit));
    REQUIRE(f.run_until(*vm, State::stopped));
    CHECK(f.row()->ended_at > 0);
    return f.row()->ended;
  };
  CHECK(end({.guest_initiated = true, .reason = "guest-shutdown"}) == "the guest shut down");
  CHECK(end({.guest_initiated = false, .reason = "kernel panic: Oops"}) == "kernel panic: Oops");
  CHECK(f.row()->last_error == "the machine ended: kernel panic: Oops");
  REQUIRE(f.start(*vm));
  REQUIRE(f.run(vm->kill()));
  CHECK(f.row()->ended == "killed");
  REQUIRE(f.start(*vm));
  REQUIRE(f.run(vm->stop(1min)));
  CHECK(f.row()->ended == "stopped");
  REQUIRE(f.start(*vm));
  REQUIRE(f.suspend(*vm));
  CHECK(f.row()->ended == "suspended");
}

// Callers who need the guest of a suspended VM.
#include "engine/vm/wake.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using vm::State;

namespace {

using Reached = Result<std::shared_ptr<link::Client>>;

struct Fixture : test::Fixture {
  Reached reach(std::shared_ptr<VmOwner> vm) { return run(reach_guest(vm, std::chrono::seconds(10))); }
  std::size_t starts() const {
    auto steps = log.steps();
    return static_cast<std::size_t>(std::ranges::count(steps, "vmm start"));
  }
};

Task<> reach_and_note(std::shared_ptr<VmOwner> vm, std::shared_ptr<std::vector<Reached>> results) {
  results->push_back(co_await reach_guest(std::move(vm), std::chrono::seconds(10)));
}

}  // namespace

TEST_CASE("wake: who needs the guest of a suspended VM resumes it") {
  Fixture f;
  auto vm = f.suspended();
  REQUIRE(f.reach(vm));
  CHECK(vm->state() == State::running);
  CHECK(vm->record().row().started_from == store::StartedFrom::resume);
  CHECK(f.mismatch() == "");
}

TEST_CASE("wake: many callers resume the VM once, and a failure fails all of them at once") {
  for (bool works : {true, false}) {
    Fixture f;
    auto vm = f.suspended();
    f.log.heal();
    if (!works) f.log.fail_on("vmm start");
    auto results = std::make_shared<std::vector<Reached>>();
    for (int i = 0; i < 20; ++i) f.daemon->runtime.spawn(reach_and_note(vm, results));
    REQUIRE(f.run_until([&] { return results->size() == 20; }));
    for (const auto& result : *results) CHECK(result.has_value() == works);
    CHECK(f.starts() == 1);
    CHECK(vm->state() == (works ? State::running : State::suspended));
  }
}

TEST_CASE("wake: after a wake that failed the VM is suspended as before, and the next caller wakes it") {
  Fixture f;
  auto vm = f.suspended();
  f.log.fail_on("vmm start");
  auto failed = f.reach(vm);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.starts_with("start vm 'box'"));
  CHECK(vm->state() == State::suspended);
  f.log.heal();
  CHECK(f.reach(vm));
}

TEST_CASE("wake: a VM without room in the host's memory stays suspended") {
  Fixture f;
  auto vm = f.suspended();
  f.daemon->services.make_room = [](std::uint64_t) -> Task<Result<>> {
    co_return fail(ErrorCode::exhausted, "not enough memory");
  };
  CHECK(f.reach(vm).error().message == "not enough memory");
  CHECK(vm->state() == State::suspended);
}

TEST_CASE("wake: a suspend that has just begun ends before the VM goes on") {
  Fixture f;
  auto vm = f.running();
  auto suspend = [](std::shared_ptr<VmOwner> of) -> Task<> {
    Stages stages{Report{}};
    (void)co_await of->suspend(stages);
  };
  f.daemon->runtime.spawn(suspend(vm));
  REQUIRE(f.run_until([&] { return vm->state() != State::running; }));
  REQUIRE(f.reach(vm));
  CHECK(vm->state() == State::running);
  CHECK(f.log.has("vmm save"));
}

TEST_CASE("wake: nobody wakes a VM if the config does not allow it") {
  Fixture f;
  f.config.auto_wake = false;
  auto vm = f.suspended();
  auto reached = f.reach(vm);
  REQUIRE_FALSE(reached);
  CHECK(reached.error().message == "vm 'box' is suspended");
  CHECK(vm->state() == State::suspended);
}

TEST_CASE("wake: a stopped VM is started only for those who ask for that") {
  Fixture f;
  auto vm = f.stopped();
  CHECK(f.reach(vm).error().message == "vm 'box' is stopped");
  REQUIRE(f.run(wake(vm, Wakes::suspended)));
  CHECK(vm->state() == State::stopped);
  REQUIRE(f.run(wake(vm, Wakes::stopped_too)));
  CHECK(vm->state() == State::running);
}

TEST_CASE("wake: statistics wake nobody") {
  Fixture f;
  auto vm = f.suspended();
  CHECK_FALSE(f.run(vm->parts().use->stats(std::chrono::milliseconds(0))));
  CHECK(vm->state() == State::suspended);
}

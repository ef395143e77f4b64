// VMs that run whenever the daemon does.
#include "engine/fleet/autostart.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using vm::State;

namespace {

struct Fixture : test::Fixture {
  std::shared_ptr<VmOwner> add(std::shared_ptr<VmOwner> vm, bool autostart) {
    auto spec = vm->record().spec();
    spec.autostart = autostart;
    REQUIRE(run(vm->change(vm->record().name(), spec)));
    registry.add(vm);
    return vm;
  }
  VmRegistry registry{daemon->services};
};

}  // namespace

TEST_CASE("autostart: stopped and suspended VMs that want it run, and others do not") {
  Fixture f;
  auto stopped = f.add(f.stopped("a"), true), asleep = f.add(f.suspended("b"), true),
       other = f.add(f.stopped("c"), false);
  start_automatically(f.daemon->services, f.registry);
  CHECK(f.run_until(*stopped, State::running));
  CHECK(f.run_until(*asleep, State::running));
  CHECK(asleep->record().row().started_from == store::StartedFrom::resume);
  CHECK(other->state() == State::stopped);
}

TEST_CASE("autostart: a VM that cannot start stays down until the next time") {
  Fixture f;
  auto broken = f.add(f.stopped("a"), true);
  bool asked = false;
  f.daemon->services.make_room = [&asked](std::uint64_t) -> Task<Result<>> {
    asked = true;
    co_return fail(ErrorCode::exhausted, "not enough memory");
  };
  start_automatically(f.daemon->services, f.registry);
  REQUIRE(f.run_until([&] { return asked; }));
  CHECK(broken->state() == State::stopped);
  f.daemon->services.make_room = {};
  start_automatically(f.daemon->services, f.registry);
  CHECK(f.run_until(*broken, State::running));
}

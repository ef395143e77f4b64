// Every operation of a VM in every state. If vm/admission.h refuses, the operation returns that error and changes
// nothing.
#include "vm/admission.h"

#include <fmt/format.h>

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using vm::Operation;
using vm::State;

namespace {

Result<> call(Fixture& f, VmOwner& vm, Operation operation) {
  switch (operation) {
    case Operation::start:
      return f.start(vm);
    case Operation::stop:
      return f.stop(vm, std::chrono::milliseconds(0));
    case Operation::kill:
      return f.run(vm.kill());
    case Operation::suspend:
      return f.suspend(vm);
    case Operation::save:
      TRY(f.save_as(vm, store::SaveKind::snapshot, "s"));
      return {};
    case Operation::restore:
      return f.run(vm.restore(store::SaveRow{}, Force::no));
    case Operation::restore_forced:
      return f.run(vm.restore(store::SaveRow{}, Force::yes));
    case Operation::discard_memory:
      return f.run(vm.discard_saved_memory());
    case Operation::change:
      TRY(f.run(vm.change("other", vm.record().spec())));
      return {};
    case Operation::remove:
      return f.run(vm.remove(Force::no));
    case Operation::remove_forced:
      return f.run(vm.remove(Force::yes));
    case Operation::reach_agent: {
      TRY(f.run(vm.parts().link->client(host::after(std::chrono::milliseconds(0)))));
      return {};
    }
    case Operation::claim:
      return f.run(vm.claim({.name = "mine", .spec = vm.record().spec()}, f.stages));
    case Operation::become_template:
      return f.run(vm.become_template("none", "key", f.stages));
  }
  return {};
}

// A VM whose operation was interrupted by an error has no machine. A running VM has a machine.
std::shared_ptr<VmOwner> in_state(Fixture& f, State state) {
  if (state == State::running) return f.running();
  auto row = f.new_row("box");
  row.state = vm::to_string(state);
  return f.record(row);
}

constexpr State kStates[] = {State::creating,   State::stopped,   State::starting,  State::running, State::stopping,
                             State::suspending, State::suspended, State::restoring, State::deleting};

}  // namespace

TEST_CASE("operations: each operation obeys the table of admission in every state") {
  for (int i = 0; i <= static_cast<int>(Operation::become_template); ++i)
    for (auto state : kStates) {
      auto operation = static_cast<Operation>(i);
      // A claim waits for the pooled machine before it asks for admission.
      if (operation == Operation::claim && vm::admit(Operation::reach_agent, state, "box") && state != State::running)
        continue;
      Fixture f;
      auto vm = in_state(f, state);
      f.log.heal();
      auto admission = vm::admit(operation, state, "box");
      auto result = call(f, *vm, operation);
      INFO(fmt::format("operation {} in {}: {}", i, vm::to_string(state), result ? "done" : result.error().sentence()));
      if (!admission) {
        REQUIRE(!result);
        CHECK(f.log.steps().empty());
        CHECK(vm->state() == state);
        if (operation != Operation::claim) CHECK(result.error().message == admission.error().message);
      } else if (*admission == vm::Admission::nothing_to_do) {
        CHECK(result);
        CHECK(f.log.steps().empty());
      } else if (result) {
        CHECK(f.mismatch() == "");
      }
    }
}

TEST_CASE("operations: a deleted VM admits only operations that have nothing to do") {
  for (int i = 0; i <= static_cast<int>(Operation::become_template); ++i) {
    auto operation = static_cast<Operation>(i);
    Fixture f;
    auto vm = f.stopped();
    REQUIRE(f.run(vm->remove(Force::no)));
    f.log.heal();
    auto result = call(f, *vm, operation);
    INFO("operation " << i);
    CHECK(result.has_value() == vm::admit(operation, std::nullopt, "box").has_value());
    if (!result) CHECK(result.error().code == ErrorCode::not_found);
    CHECK(f.log.steps().empty());
  }
}

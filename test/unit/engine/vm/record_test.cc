// A VM's record: every change reaches the store before it reaches memory.
#include "engine/vm/record.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using vm::State;

namespace {

struct Recorded : Fixture {
  explicit Recorded(State state = State::stopped) {
    auto row = new_row("box");
    row.state = vm::to_string(state);
    row.number = *daemon->store->insert_vm(row, {});
    record = std::make_unique<VmRecord>(daemon->runtime, daemon->log, *daemon->store, row, small_spec());
  }
  std::unique_ptr<VmRecord> record;
};

}  // namespace

TEST_CASE("record: an edit is in the store before it is in memory") {
  Recorded f;
  REQUIRE(f.record->edit([](store::VmRow& row, vm::Spec& spec) {
    row.last_error = "oh";
    spec.vcpus = 7;
  }));
  CHECK(f.row()->last_error == "oh");
  CHECK(f.row()->spec.contains("\"vcpus\":7"));
  CHECK(f.record->spec().vcpus == 7);

  f.log.fail_on("store vm");
  CHECK(!f.record->edit([](store::VmRow& row, vm::Spec& spec) {
    row.last_error = "again";
    spec.vcpus = 8;
  }));
  CHECK(f.record->row().last_error == "oh");
  CHECK(f.record->spec().vcpus == 7);
}

TEST_CASE("record: a state that the store refused is not kept") {
  Recorded f;
  f.log.fail_on("store vm starting");
  CHECK(!f.record->move_to(State::starting));
  CHECK(f.record->state() == State::stopped);
  CHECK(f.record->row().state == "stopped");
  f.log.heal();
  REQUIRE(f.record->move_to(State::starting, [](store::VmRow& row, vm::Spec&) { row.link_token = "ab"; }));
  CHECK(f.log.steps().size() == 1);
  CHECK(f.row()->state == "starting");
  CHECK(f.row()->link_token == "ab");
}

TEST_CASE("record: only the transitions of a VM's life are possible, and the same state costs no write") {
  Recorded f;
  auto moved = f.record->move_to(State::suspending);
  REQUIRE(!moved);
  CHECK(moved.error().code == ErrorCode::busy);
  CHECK(moved.error().message == "vm 'box' is stopped and cannot become suspending now");
  f.log.heal();
  CHECK(f.record->move_to(State::stopped));
  CHECK(f.log.steps().empty());
}

TEST_CASE("record: a change wakes its waiters") {
  Recorded f;
  auto wait = [](VmRecord& record) -> Task<bool> {
    co_return co_await record.changed().wait(host::after(std::chrono::minutes(1)));
  };
  auto both = [&]() -> Task<bool> {
    f.daemon->runtime.spawn([](host::Runtime& runtime, VmRecord& record) -> Task<> {
      co_await runtime.sleep_for(std::chrono::milliseconds(1));
      (void)record.move_to(State::starting);
    }(f.daemon->runtime, *f.record));
    co_return co_await wait(*f.record);
  };
  CHECK(f.run(both()));
}

TEST_CASE("record: a VM is gone after the store has deleted it") {
  Recorded f(State::deleting);
  f.log.fail_on("store vm gone");
  CHECK(!f.record->erase());
  CHECK(!f.record->gone());
  f.log.heal();
  CHECK(f.record->erase());
  CHECK(f.record->gone());
  CHECK(!f.row());
  CHECK(f.record->admit(vm::Operation::start).error().code == ErrorCode::not_found);
  CHECK(f.record->admit(vm::Operation::remove) == vm::Admission::nothing_to_do);
}

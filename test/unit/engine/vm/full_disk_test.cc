// Ending and removing VMs while the store can record nothing, as on a full disk.
#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/steps.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using namespace std::chrono_literals;
using vm::State;

namespace {

void fill_disk(Fixture& f) { f.log.fail_on("store", ErrorCode::exhausted); }

}  // namespace

TEST_CASE("full disk: a VM is stopped and killed, and the record follows when there is room") {
  for (bool killed : {false, true}) {
    Fixture f;
    auto vm = f.running();
    fill_disk(f);
    auto ended = killed ? f.run(vm->kill()) : f.stop(*vm, 1min);
    REQUIRE(ended);
    CHECK(f.host.running().empty());
    CHECK(vm->state() == State::stopped);
    CHECK(f.row()->state == "running");
    // The end is not repeated, and a start needs a true record first.
    CHECK(f.run(vm->kill()));
    CHECK(f.stop(*vm, 1min));
    auto started = f.start(*vm);
    REQUIRE(!started);
    CHECK(started.error().code == ErrorCode::exhausted);
    f.log.heal();
    CHECK(f.start(*vm));
    CHECK(f.row()->state == "running");
    CHECK(f.mismatch() == "");
  }
}

TEST_CASE("full disk: a machine that ends by itself is recorded later, with its reason") {
  Fixture f;
  auto vm = f.running();
  fill_disk(f);
  f.host.of(vm->record().id())->end({.guest_initiated = false, .reason = "killed by signal 7"});
  REQUIRE(f.run_until(*vm, State::stopped));
  CHECK(f.row()->state == "running");
  f.log.heal();
  REQUIRE(f.run_until([&] { return f.row()->state == "stopped"; }));
  CHECK(f.row()->last_error == "the machine ended: killed by signal 7");
  CHECK(f.daemon->store->journal()->empty());
  CHECK(f.mismatch() == "");
}

TEST_CASE("full disk: a VM is deleted, running or stopped, with its files first") {
  for (bool runs : {true, false}) {
    Fixture f;
    auto vm = runs ? f.running() : f.stopped();
    auto files = f.paths.vm(vm->record().id());
    fill_disk(f);
    auto removed = f.run(vm->remove(Force::yes));
    REQUIRE(!removed);  // in this test the files give the store no room
    CHECK(removed.error().code == ErrorCode::exhausted);
    CHECK(f.host.running().empty());
    CHECK(!std::filesystem::exists(files));
    f.log.heal();
    REQUIRE(f.run(vm->remove(Force::yes)));
    CHECK(vm->record().gone());
    CHECK(!f.row());
    CHECK(f.daemon->store->journal()->empty());
  }
}

TEST_CASE("full disk: room that comes at any step of an end is enough") {
  for (auto act : {+[](Fixture& f, VmOwner& vm) { return f.stop(vm, 1min); },
                   +[](Fixture& f, VmOwner& vm) { return f.run(vm.kill()); },
                   +[](Fixture& f, VmOwner& vm) { return f.run(vm.remove(Force::yes)); }}) {
    std::size_t writes = 1;
    for (std::size_t nth = 1; nth <= writes; ++nth) {
      Fixture f;
      auto vm = f.running();
      std::size_t seen = 0;
      f.daemon->store->observe_writes([&](std::string_view, std::string_view) -> Result<> {
        return ++seen == nth ? Result<>(fail(ErrorCode::exhausted, "database or disk is full")) : Result<>();
      });
      auto ended = act(f, *vm);
      writes = std::max(writes, seen);
      INFO("write " << nth << ": " << (ended ? "" : ended.error().sentence()));
      CHECK(f.host.running().empty());
      CHECK((vm->record().gone() || vm->state() == State::stopped || !ended));
      auto again = act(f, *vm);
      INFO((again ? "" : again.error().sentence()));
      CHECK(again);
      if (!vm->record().gone()) CHECK(f.start(*vm));
      CHECK(f.mismatch() == "");
    }
    CHECK(writes > 1);
  }
}

TEST_CASE("full disk: a daemon that starts then takes over what runs, without a write") {
  Fixture f;
  f.running();
  f.restart();
  auto vm = f.load();
  fill_disk(f);
  auto recovered = f.run(vm->recover());
  INFO((recovered ? "" : recovered.error().sentence()));
  REQUIRE(recovered);
  CHECK(vm->state() == State::running);
  CHECK(f.run(vm->kill()));
  CHECK(f.host.running().empty());
}

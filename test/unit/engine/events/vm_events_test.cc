// The events of a VM's life.
#include "engine/events/vm_events.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

namespace {

using Events = std::vector<std::string>;

struct Fixture : test::Fixture {
  Fixture() { daemon->services.events = &log_of_events; }
  /// The events since the last call, without those of the background.
  Events happened() {
    Events events;
    for (auto batch = log_of_events.after(seen); !batch.events.empty(); batch = log_of_events.after(seen))
      for (const auto& event : batch.events) {
        seen = event.sequence;
        if (event.what == vm::Event::ready) continue;
        auto detail = event.detail.empty() ? "" : ": " + event.detail;
        events.push_back(event.name + " " + std::string(vm::to_string(event.what)) + detail);
      }
    return events;
  }

  EventLog log_of_events;
  std::uint64_t seen = 0;
};

}  // namespace

TEST_CASE("vm events: a VM is created, started, stopped and deleted") {
  Fixture f;
  auto vm = f.running();
  CHECK(f.happened() == Events{"box created", "box starting", "box running: cold"});
  REQUIRE(f.stop(*vm, std::chrono::seconds(60)));
  CHECK(f.happened() == Events{"box stopping", "box stopped: stopped"});
  REQUIRE(f.run(vm->remove(Force::no)));
  CHECK(f.happened() == Events{"box deleted"});
}

TEST_CASE("vm events: a VM is suspended and resumed") {
  Fixture f;
  auto vm = f.suspended();
  CHECK(f.happened() == Events{"box created", "box starting", "box running: cold", "box suspending", "box suspended"});
  REQUIRE(f.start(*vm));
  CHECK(f.happened() == Events{"box starting", "box resumed: resume"});
}

TEST_CASE("vm events: an end that nobody asked for has its reason") {
  Fixture f;
  auto vm = f.running();
  f.happened();
  f.host.of(vm->record().id())->end({.guest_initiated = true, .reason = "kernel panic: Oops"});
  REQUIRE(f.run_until(*vm, vm::State::stopped));
  CHECK(f.happened() == Events{"box stopped: kernel panic: Oops"});
}

TEST_CASE("vm events: a start that fails has its reason") {
  Fixture f;
  auto vm = f.stopped();
  f.happened();
  f.log.fail_on("vmm start");
  CHECK_FALSE(f.start(*vm));
  auto events = f.happened();
  REQUIRE(events.size() == 2);
  CHECK(events[1].starts_with("box stopped: start vm 'box'"));
}

TEST_CASE("vm events: a change has the names of its fields, and a new name the old one") {
  Fixture f;
  auto vm = f.stopped();
  f.happened();
  auto spec = vm->record().spec();
  spec.vcpus = 3;
  spec.labels = {{"a", "b"}};
  REQUIRE(f.run(vm->change("web", spec)));
  CHECK(f.happened() == Events{"web renamed: box", "web changed: vcpus, labels"});
}

TEST_CASE("vm events: machines without a user have none, until a user has one") {
  Fixture f;
  auto vm = f.pooled();
  CHECK(f.happened().empty());
  Stages stages{Report{}};
  REQUIRE(
      f.run(vm->claim({.name = "web", .spec = f.small_spec(), .ephemeral = false, .wait = WaitFor::agent}, stages)));
  CHECK(f.happened() == Events{"web created", "web running: pool"});
}

TEST_CASE("vm events: a VM whose creation failed has none") {
  Fixture f;
  auto vm = f.record(f.new_row("box"));
  REQUIRE(f.run(vm->remove(Force::yes)));
  CHECK(f.happened().empty());
}

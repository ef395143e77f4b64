// The periodic work of the daemon for machines.
#include "engine/health/upkeep.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture : test::Fixture {
  Fixture() {
    // So short that every VM counts as unused.
    config.auto_stop_stale_after = std::chrono::milliseconds(1);
    box = running();
    registry.add(box);
  }
  void look() {
    run(daemon->runtime.sleep_for(std::chrono::milliseconds(2)));
    run(stop_stale_once(daemon->services, registry));
  }

  VmRegistry registry{daemon->services};
  std::shared_ptr<VmOwner> box;
};

}  // namespace

TEST_CASE("upkeep: a VM that was unused for long is stopped") {
  Fixture f;
  f.look();
  CHECK(f.box->state() == vm::State::stopped);
}

TEST_CASE("upkeep: an unused VM is suspended instead, if the config asks for that") {
  Fixture f;
  f.config.auto_stop_action = config::StopAction::suspend;
  f.look();
  CHECK(f.box->state() == vm::State::suspended);
}

TEST_CASE("upkeep: a VM that is in use, or was used recently, keeps running") {
  Fixture f;
  {
    auto use = f.box->parts().use->begin();
    f.look();
  }
  CHECK(f.box->state() == vm::State::running);
  f.config.auto_stop_stale_after = std::chrono::hours(1);
  f.look();
  CHECK(f.box->state() == vm::State::running);
}

TEST_CASE("upkeep: machines without a user are not stale") {
  Fixture f;
  auto pooled = f.pooled();
  f.registry.add(pooled);
  f.look();
  CHECK(pooled->state() == vm::State::running);
}

TEST_CASE("upkeep: one VM that cannot be suspended does not keep the others running") {
  Fixture f;
  f.config.auto_stop_action = config::StopAction::suspend;
  auto other = f.running("other");
  f.registry.add(other);
  f.log.fail_on("agent /hold");
  f.look();
  CHECK(f.box->state() == vm::State::running);
  CHECK(other->state() == vm::State::running);
  f.log.heal();
  f.look();
  CHECK(f.box->state() == vm::State::suspended);
  CHECK(other->state() == vm::State::suspended);
}

TEST_CASE("upkeep: disabled loops end at once") {
  Fixture f;
  f.config.auto_stop_stale_after = std::chrono::milliseconds(0);
  f.config.metrics_poll_interval = std::chrono::milliseconds(0);
  CHECK(f.run(stop_stale(f.daemon->services, f.registry)));
  CHECK(f.run(poll_metrics(f.daemon->services, f.registry)));
}

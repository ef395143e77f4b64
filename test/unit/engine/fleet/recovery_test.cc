// Recovering all VMs after a daemon start: reports and repeats.
#include "engine/fleet/recovery.h"

#include "catch.h"
#include "engine/fleet/fleet_fixture.h"

using namespace banger;
using namespace banger::engine;
using vm::State;

namespace {

/// The daemon of the test has just started, and has not recovered the running VM "box" yet.
struct Fixture : test::FleetFixture {
  Fixture() {
    auto request = named("box");
    request.cold = true;
    REQUIRE(create(request));
    vms.reset();
    restart();
    start_manager();
  }
  FleetRecovery& recovery() { return vms->recovery(); }
  std::shared_ptr<VmOwner> box() { return *vms->registry().get("box"); }
  static host::Deadline later() { return host::after(std::chrono::minutes(1)); }
};

}  // namespace

TEST_CASE("fleet recovery: what was done is reported") {
  Fixture f;
  CHECK(f.run(f.recovery().recover_all(Fixture::later())));
  CHECK(f.recovery().summaries() == std::vector<std::string>{"vm 'box': adopted; it kept running"});
  CHECK(f.box()->state() == State::running);
}

TEST_CASE("fleet recovery: a failure is reported once, and the next operation repeats the recovery") {
  Fixture f;
  f.log.fail_on("vmm adopt");
  CHECK(f.run(f.recovery().recover_all(Fixture::later())));
  REQUIRE(f.recovery().summaries().size() == 1);
  CHECK(f.recovery().summaries().front().starts_with("vm 'box': could not be recovered: "));
  CHECK(f.run(f.recovery().recover_all(Fixture::later())));
  CHECK(f.recovery().summaries().size() == 1);
  CHECK(f.run(f.recovery().wait(Fixture::later())));
  f.log.heal();
  REQUIRE(f.run(f.box()->stop(std::chrono::seconds(10))));
  CHECK(f.mismatch() == "");
}

TEST_CASE("fleet recovery: who waits is told for which VMs, until the first attempt is over") {
  Fixture f;
  CHECK(f.recovery().untried().empty());
  CHECK(f.run(f.recovery().recover_all(banger::host::Clock::now())));
  CHECK(f.recovery().untried() == "vm 'box'");
  auto waited = f.run(f.recovery().wait(banger::host::Clock::now()));
  REQUIRE_FALSE(waited);
  CHECK(waited.error().code == ErrorCode::busy);
  CHECK(waited.error().message == "the daemon is still recovering vm 'box' after its start");
  CHECK(f.run(f.recovery().wait(Fixture::later())));
  CHECK(f.recovery().untried().empty());
}

// The housekeeping of the bridge.
#include "capabilities/bridge/upkeep.h"

#include "bridge_host.h"

using namespace banger;
using namespace banger::capabilities;
using namespace std::chrono_literals;

namespace {

struct Fixture : BridgeHost {
  Fixture() { config.tap_pool_size = 2; }
  /// Runs the housekeeping until `done` returns true, then closes it. False after a long while.
  template <class Done>
  bool upkeep_until(Done done) {
    return run([](Fixture& f, Done until) -> Task<bool> {
      f.runtime.spawn(f.upkeep.run(f.foreground));
      auto deadline = host::after(30s);
      while (!until() && host::Clock::now() < deadline) co_await f.runtime.sleep_for(1ms);
      bool reached = until();
      co_await f.upkeep.close();
      co_return reached;
    }(*this, done));
  }
  BridgeDevice device{resource_host()};
  Taps taps{log, *store, operations, {.owner = 1000, .daemon = 7}};
  IdleTaps idle{taps};
  BridgeUpkeep upkeep{resource_host(), device, taps, idle};
  host::Foreground foreground{runtime};
};

}  // namespace

TEST_CASE("bridge upkeep: keeps taps ready on a host with the helper, and removes all of them at the end") {
  Fixture f;
  CHECK(f.upkeep_until([&] { return f.idle.size() == 2; }));
  CHECK(f.operations.count("tap.create") == 2);
  CHECK(f.operations.count("tap.delete") == 2);
  CHECK(f.operations.count("bridge.remove") == 1);
  CHECK(f.owners("tap").empty());
  CHECK(f.owners("bridge").empty());
}

TEST_CASE("bridge upkeep: removes taps and bridge of an earlier daemon where no VM uses them") {
  Fixture f;
  f.config.network = vm::NetworkChoice::user;
  REQUIRE(f.store->add_journal({0, store::kBridgeOwner, "tap", "1"}));
  REQUIRE(f.store->add_journal({0, store::kBridgeOwner, "bridge", "br-t"}));
  for (const auto& entry : *f.store->journal()) {
    f.device.load(entry);
    f.taps.load(entry);
  }
  CHECK(f.upkeep_until([&] { return !f.device.recorded() && !f.taps.known(1); }));
  CHECK(f.operations.count("tap.create") == 0);
  CHECK(f.owners("bridge").empty());
}

TEST_CASE("bridge upkeep: the bridge of a VM that lives outlives the daemon, its idle taps do not") {
  Fixture f;
  REQUIRE(f.store->record_lease({kVm, 0xac100002}, "4000"));
  for (const auto& entry : *f.store->journal()) f.taps.load(entry);
  CHECK(f.upkeep_until([&] { return f.idle.size() == 2; }));
  CHECK(f.operations.count("bridge.remove") == 0);
  CHECK(f.owners("bridge").size() == 1);
  CHECK(f.owners("tap") == std::vector<std::string>{kVm});
}

TEST_CASE("bridge upkeep: does nothing without privileges, and can be closed then") {
  Fixture f;
  f.operations.is = Privileged::Way::none;
  CHECK(f.upkeep_until([] { return true; }));
  CHECK(f.operations.asked.empty());
}

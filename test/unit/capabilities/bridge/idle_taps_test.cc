// Taps that are ready for the next VM.
#include "capabilities/bridge/idle_taps.h"

#include "bridge_host.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  Taps taps{log, *store, operations, {.owner = 1000, .daemon = 7}};
  IdleTaps idle{taps};
};

}  // namespace

TEST_CASE("idle taps: each is made once, and taken with its descriptor") {
  Fixture f;
  REQUIRE(f.run(f.idle.add()));
  REQUIRE(f.run(f.idle.add()));
  CHECK(f.idle.size() == 2);
  auto first = f.idle.take(), second = f.idle.take();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->number != second->number);
  CHECK(first->fd.get() >= 0);
  CHECK(f.taps.known(first->number));
  CHECK(f.idle.empty());
  CHECK(!f.idle.take());
}

TEST_CASE("idle taps: a failure adds none, discarding removes all") {
  Fixture f;
  f.operations.fails = "tap.create";
  CHECK(!f.run(f.idle.add()));
  CHECK(f.idle.empty());
  f.operations.fails = "nothing";
  REQUIRE(f.run(f.idle.add()));
  f.idle.discard();
  CHECK(f.idle.empty());
  f.run(f.taps.remove_discarded());
  CHECK(f.operations.count("tap.delete") == 2);
  CHECK(f.owners("tap").empty());
}

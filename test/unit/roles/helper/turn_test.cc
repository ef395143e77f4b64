// One at a time over processes.
#include "roles/helper/turn.h"

#include <unistd.h>

#include "catch.h"
#include "host/child.h"

using namespace banger;
using namespace banger::roles::helper;
using namespace std::chrono_literals;

TEST_CASE("turn: it is one process's at a time, and of those that died nobody's") {
  auto turn = Turn::make();
  REQUIRE(turn);
  REQUIRE(turn->take(1s));
  auto waiting = host::fork_to([&] { return turn->take(10ms) ? 1 : 0; });
  REQUIRE(waiting);
  CHECK(waiting->wait().code == 0);
  turn->give_back();

  auto dying = host::fork_to([&] { return turn->take(1s) ? 7 : 1; });  // never gives it back
  REQUIRE(dying);
  CHECK(dying->wait().code == 7);
  CHECK(turn->take(1s));
  turn->give_back();
  CHECK(turn->take(1s));
}

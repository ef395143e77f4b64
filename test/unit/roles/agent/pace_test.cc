#include "roles/agent/pace.h"

#include "catch.h"

using namespace banger::roles::agent;
using namespace std::chrono_literals;

TEST_CASE("pace: a first command goes first for as long as its host needs, within bounds") {
  CHECK(for_first_command(0ns) == 700ms);
  CHECK(for_first_command(100ms) == 700ms);
  CHECK(for_first_command(600ms) == 2400ms);
  CHECK(for_first_command(60s) == 5s);
}

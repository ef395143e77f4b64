// POST /clock. The clock of the test's host does not change.
#include "roles/agent/routes/clock.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

TEST_CASE("clock: answers with its time, and does not move for a difference of zero") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto before = clock_unix_ns();
    auto told = co_await a.call("POST", "/clock", R"({"adjust_ns":0})");
    if (!told) {
      FAIL_CHECK(told.error().sentence());
      co_return;
    }
    auto guest = (*told)["clock_unix_ns"].get<std::int64_t>();
    CHECK(guest >= before);
    CHECK(guest <= clock_unix_ns());
  });
}

TEST_CASE("clock: a malformed difference is refused, and an impossible one is an error") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto before = clock_unix_ns();
    for (const char* text : {"", "{}", "[]", R"({"adjust_ns":"1"})", R"({"adjust_ns":1.5})"}) {
      auto refused = co_await a.call("POST", "/clock", text);
      CHECK(!refused);
      if (!refused) CHECK(refused.error().code == ErrorCode::invalid);
    }
    // Before 1970, which no clock can show.
    auto refused = co_await a.call("POST", "/clock", R"({"adjust_ns":-9000000000000000000})");
    CHECK(!refused);
    CHECK(clock_unix_ns() >= before);
  });
}

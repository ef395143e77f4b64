// POST /clock. The clock of the host that runs this stays as it is.
#include "roles/agent/routes/clock.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

TEST_CASE("clock: tells what it says, and moves it by nothing when asked so") {
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

TEST_CASE("clock: what is no difference is refused, and one that cannot be is told") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto before = clock_unix_ns();
    for (const char* text : {"", "{}", "[]", R"({"adjust_ns":"1"})", R"({"adjust_ns":1.5})"}) {
      auto refused = co_await a.call("POST", "/clock", text);
      CHECK(!refused);
      if (!refused) CHECK(refused.error().code == ErrorCode::invalid);
    }
    // Before 1970, where no clock goes.
    auto refused = co_await a.call("POST", "/clock", R"({"adjust_ns":-9000000000000000000})");
    CHECK(!refused);
    CHECK(clock_unix_ns() >= before);
  });
}

// POST /clock. The clock of the test's host does not change.
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "roles/agent/harness.h"
#include "roles/agent/wall_clock.h"

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

TEST_CASE("clock: while a first command has its turn, a small step waits, but shows in the answer") {
  constexpr std::int64_t kSecond = 1'000'000'000;
  Agent agent;
  std::vector<std::int64_t> steps;
  agent.context->wall_clock = WallClock([&](std::int64_t unix_ns) -> Result<> {
    steps.push_back(std::llround(static_cast<double>(unix_ns - clock_unix_ns()) / kSecond));
    return {};
  });
  agent.context->settling = 1;
  agent.run([&](Agent& a) -> Task<> {
    auto told = co_await a.call("POST", "/clock", R"({"adjust_ns":2000000000})");
    CHECK(steps.empty());
    CHECK((told && (*told)["clock_unix_ns"].get<std::int64_t>() > clock_unix_ns() + kSecond));
    CHECK((co_await a.call("POST", "/clock", R"({"adjust_ns":-60000000000})")).has_value());
    CHECK(steps == std::vector<std::int64_t>{-60});
    CHECK(a.context->wall_clock.catch_up().has_value());
    CHECK(a.context->wall_clock.catch_up().has_value());
    CHECK(steps == std::vector<std::int64_t>{-60, 2});
    a.context->settling = 0;
    CHECK((co_await a.call("POST", "/clock", R"({"adjust_ns":1000000000})")).has_value());
    CHECK(steps == std::vector<std::int64_t>{-60, 2, 1});
  });
}

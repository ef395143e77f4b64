#include "roles/network/way_out.h"

#include <algorithm>

#include "catch.h"
#include "roles/network/bounds.h"

using namespace banger;
using namespace banger::roles::network;

TEST_CASE("way out: pasta gets no way to the host's loopback, and forwards no port") {
  auto words = pasta_command("/usr/bin/pasta", 42, 1000);
  auto value_of = [&](const char* option) {
    auto at = std::ranges::find(words, option);
    return at == words.end() || at + 1 == words.end() ? std::string() : *(at + 1);
  };
  CHECK(std::ranges::count(words, "--no-map-gw") == 1);
  for (const char* option : {"-t", "-u", "-T", "-U"}) CHECK(value_of(option) == "none");
  CHECK(words.front() == "/usr/bin/pasta");
  CHECK(words.back() == "42");
  CHECK(value_of("--runas").empty());
}

TEST_CASE("way out: root's pasta stays root, because another user may not enter root's network") {
  auto words = pasta_command("/usr/bin/pasta", 42, 0);
  auto option = std::ranges::find(words, "--runas");
  REQUIRE(words.end() - option == 3);
  CHECK(*(option + 1) == "0");
  CHECK(words.back() == "42");
}

TEST_CASE("way out: it starts again soon, later after several ends, and soon again after it has run for a while") {
  RestartPace pace;
  auto now = host::Clock::now();
  for (int i = 0; i < limits::kWayOutShortPauses; ++i) {
    pace.started(now);
    CHECK(pace.pause(now + std::chrono::seconds(1)) == limits::kWayOutPause);
  }
  pace.started(now);
  CHECK(pace.pause(now) == limits::kWayOutLongPause);
  pace.started(now);
  CHECK(pace.pause(now + limits::kWayOutStable) == limits::kWayOutPause);
}

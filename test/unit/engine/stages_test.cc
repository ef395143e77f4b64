// Timings of stages: their order, their reports and the final list.
#include "engine/stages.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("stages: each stage is reported when it begins, and listed in order when it has ended") {
  std::vector<std::string> reports;
  Stages stages([&](std::string_view stage, std::string_view detail, int percent) {
    reports.push_back(std::string(stage) + "/" + std::string(detail) + "/" + std::to_string(percent));
  });
  stages.begin("disks");
  stages.detail("half", 50);
  stages.begin("boot", "tcg");
  stages.end();
  stages.end();  // ending twice adds nothing
  CHECK(reports == std::vector<std::string>{"disks//-1", "disks/half/50", "boot/tcg/-1"});
  auto json = stages.to_json();
  REQUIRE(json.size() == 2);
  CHECK(json[0]["name"] == "disks");
  CHECK(json[1]["name"] == "boot");
  CHECK(json[0]["ms"].is_number());
}

TEST_CASE("stages: a detail outside any stage is not reported") {
  int reports = 0;
  Stages stages([&](std::string_view, std::string_view, int) { ++reports; });
  stages.detail("early", 1);
  CHECK(reports == 0);
}

#include "workspace/plan.h"

#include "catch.h"

using namespace banger::workspace;

TEST_CASE("plan: each combination of what was prepared, what the guest has and what the host has") {
  // Of each version a letter; '-' for a file that is not there.
  auto plan = [](char prepared, char guest, char host) -> std::string {
    auto files = [](char version) {
      return version == '-' ? FileStates() : FileStates{{"f", {.hash = std::string(64, version)}}};
    };
    auto made = plan_files(files(prepared), files(guest), files(host));
    if (made.send.size() + made.remove.size() + made.in_way.size() > 1) return "twice";
    return !made.send.empty() ? "send" : !made.remove.empty() ? "remove" : !made.in_way.empty() ? "in the way" : "keep";
  };
  CHECK(plan('-', '-', '1') == "send");
  CHECK(plan('1', '1', '2') == "send");
  CHECK(plan('1', '1', '1') == "keep");
  CHECK(plan('1', '2', '2') == "keep");
  CHECK(plan('-', '1', '1') == "keep");
  CHECK(plan('1', '2', '1') == "keep");  // the guest's change stays
  CHECK(plan('1', '-', '1') == "keep");  // and so does its deletion
  CHECK(plan('1', '-', '-') == "keep");
  CHECK(plan('-', '1', '-') == "keep");
  CHECK(plan('1', '1', '-') == "remove");
  CHECK(plan('1', '2', '3') == "in the way");
  CHECK(plan('1', '-', '2') == "in the way");
  CHECK(plan('-', '1', '2') == "in the way");
  CHECK(plan('1', '2', '-') == "in the way");
}

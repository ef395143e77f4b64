// Whose a machine is: the decision between life and SIGKILL.
#include "engine/health/gc.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using namespace banger::engine;

namespace {

const std::string kToken = "00112233445566778899aabbccddeeff", kOther = "ffeeddccbbaa99887766554433221100";

machine::LiveMachine live() { return {.process = {4711, 1}, .vm_id = "abcdefghijkl", .tokens = {kToken}}; }

store::VmRow row(std::string id, std::string state, const std::string& token = "") {
  store::VmRow row;
  row.id = std::move(id);
  row.state = std::move(state);
  machine::MachineRecord record{.driver = "qemu", .accelerator = "tcg", .version = "7.2", .token = token};
  if (!token.empty()) row.machine = dump_json(machine::to_json(record));
  return row;
}

}  // namespace

TEST_CASE("gc: what works in the directory of a VM that runs, or is on its way, is that VM's, adopted or not") {
  for (const char* state : {"running", "starting", "suspending", "stopping", "creating", "deleting"}) {
    INFO(state);
    CHECK(owns(row("abcdefghijkl", state), live()));
    CHECK(owns(row("abcdefghijkl", state, kOther), live()));
    CHECK(!owns(row("zzzzzzzzzzzz", state), live()));
  }
}

TEST_CASE("gc: a machine in the directory of a VM that does not run is astray, unless it is the recorded one") {
  for (const char* state : {"stopped", "suspended"}) {
    INFO(state);
    CHECK(!owns(row("abcdefghijkl", state), live()));
    CHECK(!owns(row("abcdefghijkl", state, kOther), live()));
    CHECK(owns(row("abcdefghijkl", state, kToken), live()));
  }
}

TEST_CASE("gc: a state this banger does not know, or a record it cannot read, costs no machine its life") {
  CHECK(owns(row("abcdefghijkl", "hibernating"), live()));
  auto broken = row("abcdefghijkl", "running");
  broken.machine = "{";
  CHECK(owns(broken, live()));
}

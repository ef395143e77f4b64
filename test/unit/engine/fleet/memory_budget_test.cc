// How much of the host's memory is still free for another machine, without a host.
#include "engine/fleet/memory_budget.h"

#include <vector>

#include "catch.h"
#include "engine/bounds.h"

using namespace banger;
using namespace banger::engine;
using Machine = MemoryClaim::Machine;

namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

std::uint64_t promised(std::vector<MemoryClaim> claims) { return promised_bytes(claims); }

}  // namespace

TEST_CASE("memory budget: nothing is promised to a VM without a machine") {
  CHECK(promised({}) == 0);
  CHECK(promised({{.machine = Machine::none, .memory_bytes = 512 * kMiB}}) == 0);
}

TEST_CASE("memory budget: all memory of a machine that is starting is promised") {
  CHECK(promised({{.machine = Machine::expected, .memory_bytes = 512 * kMiB}}) == 512 * kMiB);
}

TEST_CASE("memory budget: only the untouched memory of a running machine is promised") {
  CHECK(promised({{.machine = Machine::running, .memory_bytes = 512 * kMiB, .own_bytes = 200 * kMiB}}) == 312 * kMiB);
}

TEST_CASE("memory budget: a machine that uses more than its spec has no negative promise") {
  CHECK(promised({{.machine = Machine::running, .memory_bytes = 512 * kMiB, .own_bytes = 600 * kMiB}}) == 0);
}

TEST_CASE("memory budget: promises add up") {
  CHECK(promised({{.machine = Machine::expected, .memory_bytes = 512 * kMiB},
                  {.machine = Machine::none, .memory_bytes = 4096 * kMiB},
                  {.machine = Machine::running, .memory_bytes = 256 * kMiB, .own_bytes = 56 * kMiB}}) == 712 * kMiB);
}

TEST_CASE("memory budget: a machine fits with the overhead of its VMM, and not with a byte less") {
  MemoryBudget budget{.available_bytes = 1000 * kMiB, .overcommit_percent = 100, .promised_bytes = 0};
  auto allowed = budget.available_bytes / 100 * 100;
  CHECK(budget.check(allowed - limits::kVmmOverheadBytes));
  CHECK_FALSE(budget.check(allowed - limits::kVmmOverheadBytes + 1));
}

TEST_CASE("memory budget: promises and the overcommit of the config count") {
  MemoryBudget budget{.available_bytes = 1000 * kMiB, .overcommit_percent = 100, .promised_bytes = 600 * kMiB};
  CHECK_FALSE(budget.check(512 * kMiB));
  budget.overcommit_percent = 150;
  CHECK(budget.check(512 * kMiB));
}

TEST_CASE("memory budget: zero checks only the promises") {
  MemoryBudget budget{.available_bytes = 1000 * kMiB, .overcommit_percent = 100, .promised_bytes = 900 * kMiB};
  CHECK(budget.check(0));
  budget.promised_bytes = 1001 * kMiB;
  CHECK_FALSE(budget.check(0));
}

TEST_CASE("memory budget: the refusal has the numbers and a hint") {
  MemoryBudget budget{.available_bytes = 1024 * kMiB, .overcommit_percent = 100, .promised_bytes = 512 * kMiB};
  auto refused = budget.check(2048 * kMiB);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
  CHECK(refused.error().message ==
        "a VM of 2G does not fit: the host has 1G of free memory, of which 512M are promised to other VMs");
  CHECK(refused.error().hint.find("memory_overcommit") != std::string::npos);
}

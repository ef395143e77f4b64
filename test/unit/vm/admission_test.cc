// All pairs of operation and state, and the words of the refusals.
#include "vm/admission.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "catch.h"

using namespace banger;
using namespace banger::vm;

namespace {

// In the order of State, then deleted. A: allowed, -: nothing to do, x: refused.
//                creating stopped starting running stopping suspending suspended restoring deleting (deleted)
struct Row {
  Operation operation;
  std::string_view answers;
};
constexpr Row kTable[] = {
    {Operation::start, "xAA-xxAxxx"},          {Operation::stop, "x-AAAAxxx-"},
    {Operation::kill, "x-AAAAAxx-"},           {Operation::suspend, "xxxAxx-xxx"},
    {Operation::save, "xAxAxxAxxx"},           {Operation::restore, "xAxxxxxxxx"},
    {Operation::restore_forced, "xAxxxxAxxx"}, {Operation::discard_memory, "------A---"},
    {Operation::change, "AAAAAAAAAx"},         {Operation::remove, "AAxxxxAAA-"},
    {Operation::remove_forced, "AAAAAAAAA-"},  {Operation::reach_agent, "xxAAAAxxxx"},
    {Operation::claim, "xxxAxxxxxx"},          {Operation::become_template, "xxxAxxxxxx"},
};
constexpr State kStates[] = {State::creating,   State::stopped,   State::starting,  State::running, State::stopping,
                             State::suspending, State::suspended, State::restoring, State::deleting};

char letter(const Result<Admission>& admission) {
  if (!admission) return 'x';
  return *admission == Admission::allowed ? 'A' : '-';
}

}  // namespace

TEST_CASE("admission: every operation in every state") {
  CHECK(std::size(kTable) == static_cast<std::size_t>(Operation::become_template) + 1);
  for (const auto& row : kTable) {
    std::string answers;
    for (auto state : kStates) answers += letter(admit(row.operation, state, "box"));
    answers += letter(admit(row.operation, std::nullopt, "box"));
    INFO("operation " << static_cast<int>(row.operation));
    CHECK(answers == row.answers);
  }
}

TEST_CASE("admission: a refusal names the VM and its state, and the way out") {
  for (const auto& row : kTable)
    for (auto state : kStates) {
      auto admission = admit(row.operation, state, "box");
      if (admission || row.operation == Operation::claim || row.operation == Operation::become_template) continue;
      CHECK(admission.error().message.starts_with(fmt::format("vm 'box' is {}", to_string(state))));
    }
  CHECK(admit(Operation::stop, State::suspended, "box").error().hint == "resume it first, or kill it");
  CHECK(admit(Operation::remove, State::running, "box").error().hint == "stop it first, or use --force");
  CHECK(admit(Operation::reach_agent, State::stopped, "box").error().hint == "banger vm start box");
  CHECK(admit(Operation::reach_agent, State::stopped, "box").error().code == ErrorCode::unavailable);
  CHECK(admit(Operation::save, State::starting, "box").error().hint == "try again when it runs or is stopped");
  for (auto state : {State::running, State::suspended})
    CHECK(admit(Operation::restore, state, "box").error().hint.starts_with("use --force"));
}

TEST_CASE("admission: a deleted VM is not found") {
  auto admission = admit(Operation::start, std::nullopt, "box");
  REQUIRE(!admission);
  CHECK(admission.error().code == ErrorCode::not_found);
  CHECK(admission.error().message == "vm 'box' was deleted");
}

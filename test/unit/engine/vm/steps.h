// Repeats an operation with a failure at its first step, at its second step, and so on, until no step is left to fail.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>

#include "catch.h"
#include "engine/fixture.h"

namespace banger::test {

struct Attempt {
  std::function<std::shared_ptr<engine::VmOwner>(Fixture&)> prepare;
  std::function<Result<>(Fixture&, engine::VmOwner&)> act;
  /// Called after each failure, with the result of the operation.
  std::function<void(Fixture&, engine::VmOwner&, const Result<>&)> check;
};

inline std::string steps_of(const CallLog& log) {
  std::string text;
  for (const auto& step : log.steps()) text += step + "\n";
  return text;
}

/// Returns the number of steps.
inline std::size_t at_every_step(CallLog::Then then, const Attempt& attempt) {
  for (std::size_t nth = 1;; ++nth) {
    Fixture fixture;
    auto vm = attempt.prepare(fixture);
    REQUIRE(vm);
    fixture.log.fail_at(nth, then);
    auto result = attempt.act(fixture, *vm);
    bool hit = fixture.log.hit();
    INFO(fmt::format("step {} was made to fail; {}; steps:\n{}", nth,
                     result ? "it succeeded" : result.error().sentence(), steps_of(fixture.log)));
    if (!hit) {
      CHECK(result);
      CHECK(fixture.mismatch() == "");
      return nth - 1;
    }
    if (then == CallLog::Then::crash) {
      vm.reset();
      fixture.restart();
      vm = fixture.load();
      if (vm) {
        auto recovered = fixture.run(vm->recover());
        INFO((recovered ? *recovered : recovered.error().sentence()));
        CHECK(recovered);
        auto state = vm->state();
        CHECK((vm->record().gone() || state == vm::State::stopped || state == vm::State::running ||
               state == vm::State::suspended));
      }
    }
    INFO("steps after that:\n" << steps_of(fixture.log));
    CHECK(fixture.mismatch() == "");
    if (vm && attempt.check) attempt.check(fixture, *vm, result);
  }
}

}  // namespace banger::test

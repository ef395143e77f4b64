// Whether a VM is in use, and the last statistics from its agent.
#include "engine/vm/use.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using namespace std::chrono_literals;

TEST_CASE("use: a running VM that is not in use is idle") {
  Fixture f;
  auto vm = f.stopped();
  auto& use = *vm->parts().use;
  CHECK(use.idle_for() == 0s);
  REQUIRE(f.start(*vm));
  CHECK(use.idle_for() > 0s);
  {
    auto first = use.begin();
    auto second = std::move(first);
    CHECK(use.idle_for() == 0s);
  }
  auto ended = host::Clock::now();
  CHECK(use.idle_for() <= host::Clock::now() - ended + 1s);
  CHECK(use.idle_for() > 0s);
}

TEST_CASE("use: statistics that are too old are requested again") {
  Fixture f;
  auto vm = f.running();
  auto guest = f.host.of(vm->record().id())->guest;
  auto& use = *vm->parts().use;
  guest->answers["/stats"] = R"({"load": 1})";
  CHECK((*f.run(use.stats(0ms)))["load"] == 1);
  guest->answers["/stats"] = R"({"load": 2})";
  CHECK((*f.run(use.stats(1h)))["load"] == 1);
  CHECK((*f.run(use.stats(0ms)))["load"] == 2);
}

TEST_CASE("use: statistics of an earlier run are not returned") {
  Fixture f;
  auto vm = f.running();
  auto& use = *vm->parts().use;
  f.host.of(vm->record().id())->guest->answers["/stats"] = R"({"load": 1})";
  REQUIRE(f.run(use.stats(1h)));
  REQUIRE(f.run(vm->kill()));
  CHECK(f.run(use.stats(1h)).error().code == ErrorCode::unavailable);
  REQUIRE(f.start(*vm));
  f.host.of(vm->record().id())->guest->answers["/stats"] = R"({"load": 3})";
  CHECK((*f.run(use.stats(1h)))["load"] == 3);
}

TEST_CASE("use: statistics that are not an object are an error") {
  Fixture f;
  auto vm = f.running();
  f.host.of(vm->record().id())->guest->answers["/stats"] = "[]";
  CHECK(f.run(vm->parts().use->stats(0ms)).error().code == ErrorCode::corrupt);
}

TEST_CASE("use: a guest that does not answer has as long as the caller has patience") {
  Fixture f;
  auto vm = f.running();
  f.host.of(vm->record().id())->guest->fall_silent();
  auto stats = f.run(vm->parts().use->stats(0ms, 5ms));
  REQUIRE(!stats);
  CHECK(stats.error().code == ErrorCode::timeout);
  CHECK(stats.error().message == "vm 'box': the guest did not answer in time");
}

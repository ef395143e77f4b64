// vm.events: what a client gets, and when.
#include "api/objects/event.h"
#include "base/text.h"
#include "catch.h"
#include "engine/bounds.h"
#include "roles/daemon/methods/method_fixture.h"

using namespace banger;

namespace {

struct Fixture : test::MethodFixture {
  std::shared_ptr<engine::VmOwner> add(std::shared_ptr<engine::VmOwner> vm) {
    vms.registry().add(vm);
    return vm;
  }
  std::vector<api::EventObject> got() const {
    std::vector<api::EventObject> all;
    for (auto line : split(sink->got, '\n'))
      if (!line.empty()) all.push_back(api::read<api::EventObject>(*parse_json(line, 1 << 20)).value());
    return all;
  }
  /// "web running", …
  std::vector<std::string> words() const {
    std::vector<std::string> all;
    for (const auto& event : got()) all.push_back(event.name + " " + event.event);
    return all;
  }
  bool run_to(const std::string& words_of_last) {
    return run_until([&] {
      auto all = words();
      return !all.empty() && all.back() == words_of_last;
    });
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("vm.events: the states of all VMs come first, then what happens") {
  Fixture f;
  auto web = f.add(f.stopped("web"));
  f.add(f.stopped("db"));
  f.follow("vm.events", Json::object());
  REQUIRE(f.run_until([&] { return f.got().size() == 2; }));
  CHECK(f.got()[0].event == "current");
  CHECK(f.got()[0].state == "stopped");
  REQUIRE(f.run(f.vms.remove(web, engine::Force::no)));
  REQUIRE(f.run_to("web deleted"));
  CHECK(f.got()[2].sequence == f.got()[1].sequence + 1);
  CHECK_FALSE(f.result);
  f.context.cancel().request();
  CHECK(f.run_until([&] { return f.result.has_value(); }));
  CHECK(f.sink->ended);
}

TEST_CASE("vm.events: of named VMs only, under all their names, and to their last event") {
  Fixture f;
  auto web = f.add(f.stopped("web"));
  auto db = f.add(f.stopped("db"));
  f.follow("vm.events", {{"vms", Json::array({"web"})}});
  REQUIRE(f.run_to("web current"));
  REQUIRE(f.run(db->change("data", db->record().spec())));
  REQUIRE(f.run(web->change("shop", web->record().spec())));
  REQUIRE(f.run(f.vms.remove(web, engine::Force::no)));
  REQUIRE(f.run_until([&] { return f.result.has_value(); }));
  CHECK(f.words() == Words{"web current", "shop renamed", "shop deleted"});
  CHECK(f.sink->ended);
}

TEST_CASE("vm.events: earlier events come first, if the client asks for them") {
  Fixture f;
  f.add(f.stopped("web"));
  f.follow("vm.events", {{"since_ms", 60'000}});
  REQUIRE(f.run_to("web current"));
  CHECK(f.words() == Words{"web created", "web current"});
}

TEST_CASE("vm.events: a client that does not read misses events, and is told how many") {
  Fixture f;
  auto web = f.add(f.stopped("web"));
  f.sink->reads = false;
  f.follow("vm.events", Json::object());
  f.run(f.daemon->runtime.sleep_for(std::chrono::milliseconds(1)));
  for (std::size_t i = 0; i < limits::kEventsKept + 7; ++i) web->record().report(vm::Event::silent);
  f.sink->reads = true;
  f.sink->changed.notify_all();
  REQUIRE(f.run_until([&] { return f.got().size() == limits::kEventsKept + 2; }));
  CHECK(f.got()[0].event == "current");
  CHECK(f.got()[1].event == "missed");
  CHECK(f.got()[1].detail == "7");
  CHECK(f.got()[2].event == "silent");
}

TEST_CASE("vm.events: a refusal comes with its sentence") {
  Fixture f;
  auto web = f.add(f.stopped("web"));
  f.follow("vm.events", Json::object());
  REQUIRE(f.run_until([&] { return f.got().size() == 1; }));
  web->record().report(vm::Event::refused, "no rule of the policy allows the name example.org");
  REQUIRE(f.run_to("web refused"));
  CHECK(f.got().back().detail == "no rule of the policy allows the name example.org");
}

TEST_CASE("vm.events: an unknown VM is refused before the stream begins") {
  Fixture f;
  auto refused = f.call("vm.events", {{"vms", Json::array({"nobody"})}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::not_found);
}

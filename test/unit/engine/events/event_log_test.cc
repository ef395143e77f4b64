// The last events, for readers that are fast or slow.
#include "engine/events/event_log.h"

#include "catch.h"
#include "engine/bounds.h"
#include "support/run.h"

using namespace banger;
using namespace banger::engine;

namespace {

void add(EventLog& log, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) log.add({.what = vm::Event::changed, .id = "id", .name = "web"});
}

}  // namespace

TEST_CASE("event log: a reader gets each event once, in order") {
  EventLog log;
  CHECK(log.after(0).events.empty());
  add(log, 3);
  auto batch = log.after(1);
  CHECK(batch.missed == 0);
  REQUIRE(batch.events.size() == 2);
  CHECK(batch.events[0].sequence == 2);
  CHECK(batch.events[1].sequence == 3);
  CHECK(log.after(3).events.empty());
}

TEST_CASE("event log: a batch is small, and the next one goes on behind it") {
  EventLog log;
  add(log, limits::kEventBatch + 2);
  auto first = log.after(0);
  CHECK(first.events.size() == limits::kEventBatch);
  CHECK(log.after(first.events.back().sequence).events.size() == 2);
}

TEST_CASE("event log: only the last events are kept, and a slow reader gets the number of those that it missed") {
  EventLog log;
  add(log, limits::kEventsKept + 5);
  auto batch = log.after(2);
  CHECK(batch.missed == 3);
  REQUIRE_FALSE(batch.events.empty());
  CHECK(batch.events[0].sequence == 6);
  CHECK(log.after(5).missed == 0);
}

TEST_CASE("event log: events since a time begin behind the last older one") {
  EventLog log;
  CHECK(log.last_before(unix_ms()) == 0);
  add(log, 2);
  CHECK(log.last_before(unix_ms() - 60'000) == 0);
  CHECK(log.last_before(unix_ms() + 1) == 2);
  add(log, limits::kEventsKept);
  CHECK(log.last_before(0) == 2);  // older ones are not kept
}

TEST_CASE("event log: a long detail is cut, and control characters do not pass") {
  EventLog log;
  log.add({.what = vm::Event::stopped, .detail = "\x1b[31m" + std::string(2 * limits::kEventDetailBytes, 'x')});
  auto detail = log.after(0).events.at(0).detail;
  CHECK(detail.size() <= limits::kEventDetailBytes + 8);
  CHECK(detail.find('\x1b') == detail.npos);
}

TEST_CASE("event log: an event wakes its followers until they leave") {
  host::Runtime runtime(1);
  EventLog log;
  host::Event wake(runtime);
  auto woken = [](host::Event& event) -> Task<bool> {
    co_return co_await event.wait(host::after(std::chrono::seconds(60)));
  };
  auto later = [](host::Runtime& of, EventLog& events) -> Task<> {
    co_await of.sleep_for(std::chrono::milliseconds(1));
    add(events, 1);
  };
  {
    EventLog::Follower follower(log, wake);
    runtime.spawn(later(runtime, log));
    CHECK(test::run(runtime, woken(wake)));
  }
  add(log, 1);  // nobody is there any more
}

// How bytes and ends of streams pass between a caller and the guest. The test controls both ends.
#include "engine/reach/relay.h"

#include <deque>

#include "catch.h"

using namespace banger;
using namespace banger::engine;

namespace {

/// One end of the relay: the bytes it sends, and the bytes it received.
struct End {
  explicit End(host::Runtime& runtime) : changed(runtime) {}
  std::deque<std::string> says;  // "" ends the stream
  bool broken = false, gone = false;
  bool deaf = false;  // accepts no more bytes
  std::string heard;
  bool heard_end = false;
  host::Event changed;

  void say(std::string bytes) {
    says.push_back(std::move(bytes));
    changed.notify_all();
  }
  void cut() {
    broken = true;
    changed.notify_all();
  }
};
using EndPtr = std::shared_ptr<End>;

Task<Result<std::string>> next(EndPtr end) {
  while (end->says.empty() && !end->broken && !end->gone) co_await end->changed.wait();
  if (end->broken || end->gone) co_return fail(ErrorCode::unavailable, "cut off");
  auto bytes = end->says.front();
  if (!bytes.empty()) end->says.pop_front();
  co_return bytes;
}

Task<Result<>> take(EndPtr end, std::string bytes) {
  if (end->broken || end->deaf) co_return fail(ErrorCode::unavailable, "cut off");
  end->heard += bytes;
  end->changed.notify_all();
  co_return Result<>();
}

void drop(End& end) {
  end.gone = true;
  end.changed.notify_all();
}

Task<> until_gone(EndPtr end) {
  while (!end->gone) co_await end->changed.wait();
}

struct Caller : rpc::RawStream {
  explicit Caller(EndPtr e) : end(std::move(e)) {}
  ~Caller() override { drop(*end); }
  Task<Result<std::string>> read() override { return next(end); }
  Task<Result<>> write(std::string bytes) override { return take(end, std::move(bytes)); }
  void shutdown_write() override {
    end->heard_end = true;
    end->changed.notify_all();
  }
  Task<> gone() override { return until_gone(end); }
  EndPtr end;
};

Task<Result<>> note_end(EndPtr end) {
  end->heard_end = true;
  end->changed.notify_all();
  co_return Result<>();
}

struct Guest : link::ClientStream {
  explicit Guest(EndPtr e) : end(std::move(e)) {}
  ~Guest() override { drop(*end); }
  Task<Result<std::string>> read() override { return next(end); }
  Task<Result<>> write(std::string bytes) override { return take(end, std::move(bytes)); }
  Task<Result<>> finish() override { return note_end(end); }
  Task<Result<int>> status(host::Deadline) override { co_return 200; }
  EndPtr end;
};

struct Fixture {
  host::Runtime runtime{1};
  EndPtr caller = std::make_shared<End>(runtime), guest = std::make_shared<End>(runtime);
  bool over = false;

  /// Runs the relay and `body` together until both have ended.
  void run(OnCallerEnd on_end, std::function<Task<>(Fixture&)> body) {
    runtime.spawn([](Fixture* fixture, OnCallerEnd on) -> Task<> {
      co_await relay(fixture->runtime, std::make_shared<Caller>(fixture->caller),
                     std::make_shared<Guest>(fixture->guest), on);
      fixture->over = true;
    }(this, on_end));
    runtime.spawn(body(*this));
    runtime.run();
  }
};

Task<> until(End& end, std::function<bool(const End&)> condition) {
  while (!condition(end)) co_await end.changed.wait();
}

}  // namespace

TEST_CASE("relay: a tunnel's caller that has ended still receives the guest's bytes") {
  Fixture fixture;
  fixture.run(OnCallerEnd::pass_on, [](Fixture& r) -> Task<> {
    r.caller->say("question");
    r.caller->say("");
    co_await until(*r.guest, [](const End& end) { return end.heard_end; });
    CHECK_FALSE(r.over);
    r.guest->say("answer");
    r.guest->say("");
  });
  CHECK(fixture.guest->heard == "question");
  CHECK(fixture.caller->heard == "answer");
  CHECK(fixture.caller->heard_end);
  CHECK(fixture.over);
  CHECK(fixture.caller->gone);
  CHECK(fixture.guest->gone);
}

TEST_CASE("relay: a tunnel's guest that has ended still receives the caller's bytes") {
  Fixture fixture;
  fixture.run(OnCallerEnd::pass_on, [](Fixture& r) -> Task<> {
    r.guest->say("greeting");
    r.guest->say("");
    co_await until(*r.caller, [](const End& end) { return end.heard_end; });
    CHECK_FALSE(r.over);
    r.caller->say("late words");
    r.caller->say("");
  });
  CHECK(fixture.guest->heard == "late words");
  CHECK(fixture.over);
}

TEST_CASE("relay: a tunnel that breaks on either side ends on both sides") {
  for (bool at_guest : {false, true}) {
    Fixture fixture;
    fixture.run(OnCallerEnd::pass_on, [at_guest](Fixture& r) -> Task<> {
      r.caller->say("x");
      co_await until(*r.guest, [](const End& end) { return end.heard == "x"; });
      (at_guest ? r.guest : r.caller)->cut();
    });
    CHECK(fixture.over);
    CHECK(fixture.caller->gone);
    CHECK(fixture.guest->gone);
    CHECK_FALSE(fixture.caller->heard_end);
  }
}

TEST_CASE("relay: a guest that breaks after its caller has ended does not look as if it had sent all") {
  Fixture fixture;
  fixture.run(OnCallerEnd::pass_on, [](Fixture& r) -> Task<> {
    r.caller->say("question");
    r.caller->say("");
    co_await until(*r.guest, [](const End& end) { return end.heard_end; });
    r.guest->say("half an ans");
    co_await until(*r.caller, [](const End& end) { return !end.heard.empty(); });
    r.guest->cut();
  });
  CHECK(fixture.caller->heard == "half an ans");
  CHECK_FALSE(fixture.caller->heard_end);
  CHECK(fixture.over);
}

TEST_CASE("relay: the guest receives the last bytes of a tunnel's caller that has gone") {
  Fixture fixture;
  fixture.run(OnCallerEnd::pass_on, [](Fixture& r) -> Task<> {
    r.caller->say("last words");
    r.caller->say("");
    co_await until(*r.guest, [](const End& end) { return end.heard_end; });
    drop(*r.caller);
    CHECK_FALSE(r.over);
    r.guest->say("");
  });
  CHECK(fixture.guest->heard == "last words");
  CHECK(fixture.over);
}

TEST_CASE("relay: the end of a command's caller ends the guest's stream") {
  Fixture fixture;
  fixture.run(OnCallerEnd::reset, [](Fixture& r) -> Task<> {
    r.caller->say("");
    co_return;
  });
  CHECK(fixture.over);
  CHECK_FALSE(fixture.guest->heard_end);
}

TEST_CASE("relay: the last bytes of a guest that accepts no more bytes still arrive") {
  for (auto on_end : {OnCallerEnd::reset, OnCallerEnd::ignore, OnCallerEnd::pass_on}) {
    Fixture fixture;
    fixture.run(on_end, [](Fixture& r) -> Task<> {
      r.guest->deaf = true;
      r.caller->say("too late");
      co_await r.runtime.sleep_for(std::chrono::milliseconds(5));
      CHECK_FALSE(r.over);
      r.guest->say("last words");
      r.guest->say("");
    });
    CHECK(fixture.caller->heard == "last words");
    CHECK(fixture.caller->heard_end);
    CHECK(fixture.over);
  }
}

TEST_CASE("relay: a download continues after its caller has sent everything") {
  Fixture fixture;
  fixture.run(OnCallerEnd::ignore, [](Fixture& r) -> Task<> {
    r.caller->say("");
    co_await r.runtime.sleep_for(std::chrono::milliseconds(5));
    for (int i = 0; i < 3; ++i) r.guest->say("part ");
    r.guest->say("");
  });
  CHECK(fixture.caller->heard == "part part part ");
  CHECK(fixture.over);
}

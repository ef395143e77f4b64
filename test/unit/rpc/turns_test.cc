// The order in which costly calls run.
#include "rpc/turns.h"

#include "catch.h"

using namespace banger;

namespace {

/// Calls that note their beginning and wait until they are told to end.
struct Fixture {
  struct Call {
    std::shared_ptr<host::Cancel> cancel;
    bool ended = false;
  };
  int add(const char* connection) {
    int number = static_cast<int>(calls.size());
    calls.push_back({std::make_shared<host::Cancel>(runtime)});
    runtime.spawn([](Fixture* f, const char* of, int call) -> Task<> {
      auto cancel = f->calls[static_cast<std::size_t>(call)].cancel;
      if (!co_await f->turns.begin(of, cancel)) {
        f->cancelled.push_back(call);
        co_return;
      }
      f->begun.push_back(call);
      while (!f->calls[static_cast<std::size_t>(call)].ended) co_await f->changed.wait();
      f->turns.end(of);
    }(this, connection, number));
    return number;
  }
  void settle() {
    runtime.io().restart();
    runtime.io().poll();
  }
  void end(int call) {
    calls[static_cast<std::size_t>(call)].ended = true;
    changed.notify_all();
    settle();
  }
  void cancel(int call) {
    calls[static_cast<std::size_t>(call)].cancel->request();
    settle();
  }
  std::vector<int> take_begun() { return std::exchange(begun, {}); }

  host::Runtime runtime{1};
  host::Event changed{runtime};
  rpc::Turns turns{2};
  std::vector<Call> calls;
  std::vector<int> begun, cancelled;
};

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("turns: one call of each connection runs, and a late connection does not wait behind many calls of another") {
  Fixture f;
  for (int i = 0; i < 4; ++i) f.add("first");
  f.settle();
  CHECK(f.take_begun() == Numbers{0});
  f.add("second");
  f.settle();
  CHECK(f.take_begun() == Numbers{4});
  f.end(0);
  CHECK(f.take_begun() == Numbers{1});
}

TEST_CASE("turns: few calls run at once, and the connections take turns") {
  Fixture f;
  for (auto* connection : {"first", "first", "second", "second", "third"}) f.add(connection);
  f.settle();
  CHECK(f.take_begun() == Numbers{0, 2});
  f.end(0);
  CHECK(f.take_begun() == Numbers{4});
  f.end(2);
  CHECK(f.take_begun() == Numbers{1});
  f.end(4);
  CHECK(f.take_begun() == Numbers{3});
}

TEST_CASE("turns: a cancelled call is not begun, and one that has just got its turn gives it back") {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.add("first");
  f.settle();
  f.cancel(1);
  CHECK(f.cancelled == Numbers{1});
  f.end(0);
  CHECK(f.take_begun() == Numbers{0, 2});
  f.add("first");
  f.settle();
  f.calls[2].ended = true;
  f.changed.notify_all();
  f.calls[3].cancel->request();  // the turn and the cancel come together
  f.settle();
  CHECK(f.cancelled == Numbers{1, 3});
  f.add("first");
  f.settle();
  CHECK(f.take_begun() == Numbers{4});
}

// Waiting: events, locks, descriptors, the pool, and what happens when the loop ends while something waits.
#include "host/runtime.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "catch.h"
#include "support/run.h"

using namespace banger;
using namespace banger::host;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    read = UniqueFd(fds[0]);
    write = UniqueFd(fds[1]);
  }
  UniqueFd read, write;
};

Task<> count_wake(std::shared_ptr<Event> event, std::shared_ptr<int> woken, Deadline deadline = Deadline::max()) {
  if (co_await event->wait(deadline)) ++*woken;
}

// Lets everything that is ready run.
Task<> settle(Runtime& runtime) {
  for (int i = 0; i < 10; ++i) co_await runtime.sleep_for(0ms);
}

}  // namespace

TEST_CASE("event: wakes all that wait, and only those") {
  Runtime runtime;
  auto event = std::make_shared<Event>(runtime);
  auto woken = std::make_shared<int>(0);
  auto task = [](Runtime* r, std::shared_ptr<Event> e, std::shared_ptr<int> count) -> Task<int> {
    e->notify_all();  // no coroutine waits yet, so this has no effect
    for (int i = 0; i < 1000; ++i) r->spawn(count_wake(e, count));
    co_await settle(*r);
    int before = *count;
    e->notify_all();
    e->notify_all();
    co_await settle(*r);
    bool again = co_await e->wait(after(5ms));
    co_return before == 0 && !again ? *count : -1;
  };
  CHECK(test::run(runtime, task(&runtime, event, woken)) == 1000);
}

TEST_CASE("event: a deadline that passes says so, and one in the past does not hang") {
  Runtime runtime;
  auto event = std::make_shared<Event>(runtime);
  CHECK_FALSE(test::run(runtime, event->wait(after(1ms))));
  Runtime again;
  Event past(again);
  CHECK_FALSE(test::run(again, past.wait(Clock::now() - 1h)));
}

TEST_CASE("event: its end wakes the waiters") {
  Runtime runtime;
  auto event = std::make_shared<Event>(runtime);
  auto woken = std::make_shared<int>(0);
  auto waiter = [](Event* e, std::shared_ptr<int> count) -> Task<> {
    if (co_await e->wait()) ++*count;
  };
  auto task = [](Runtime* r, std::shared_ptr<Event> e, std::shared_ptr<int> count, auto make) -> Task<int> {
    for (int i = 0; i < 3; ++i) r->spawn(make(e.get(), count));
    co_await settle(*r);
    e.reset();
    co_await settle(*r);
    co_return *count;
  };
  CHECK(test::run(runtime, task(&runtime, std::move(event), woken, waiter)) == 3);
}

TEST_CASE("event: a loop that ends while something waits leaves nothing dangling") {
  // In either order: the event is destroyed first, or the waiting frame.
  auto outlives = [](bool event_first) {
    std::shared_ptr<Event> event;
    auto runtime = std::make_unique<Runtime>();
    event = std::make_shared<Event>(*runtime);
    auto woken = std::make_shared<int>(0);
    for (int i = 0; i < 5; ++i) runtime->spawn(count_wake(event, woken));
    runtime->spawn([](Runtime* r) -> Task<> {
      co_await settle(*r);
      r->stop();
    }(runtime.get()));
    runtime->run();
    if (event_first) event.reset();
    runtime.reset();
    event.reset();
    return *woken;
  };
  CHECK(outlives(true) == 0);
  CHECK(outlives(false) == 0);
}

TEST_CASE("cancel: requested wakes and fails the check") {
  Runtime runtime;
  Cancel cancel(runtime);
  CHECK(cancel.check());
  auto task = [](Runtime* r, Cancel* c) -> Task<bool> {
    r->spawn([](Runtime* rr, Cancel* cc) -> Task<> {
      co_await settle(*rr);
      cc->request();
    }(r, c));
    co_return co_await c->event().wait(after(10s));
  };
  CHECK(test::run(runtime, task(&runtime, &cancel)));
  CHECK(cancel.requested());
  CHECK(cancel.check().error().code == ErrorCode::cancelled);
}

TEST_CASE("mutex: one at a time, in order of arrival") {
  Runtime runtime;
  auto mutex = std::make_shared<Mutex>(runtime);
  auto order = std::make_shared<std::vector<int>>();
  auto inside = std::make_shared<int>(0);
  auto worker = [](Runtime* r, std::shared_ptr<Mutex> m, std::shared_ptr<std::vector<int>> seen,
                   std::shared_ptr<int> within, int n) -> Task<> {
    auto lock = co_await m->lock();
    seen->push_back(++*within == 1 ? n : -1);
    co_await r->sleep_for(0ms);
    co_await settle(*r);
    --*within;
  };
  for (int n = 0; n < 50; ++n) runtime.spawn(worker(&runtime, mutex, order, inside, n));
  runtime.run();
  std::vector<int> expected;
  for (int n = 0; n < 50; ++n) expected.push_back(n);
  CHECK(*order == expected);
}

TEST_CASE("mutex: a moved lock unlocks once; a free one is taken at once") {
  Runtime runtime;
  auto task = [](Runtime* r) -> Task<bool> {
    Mutex mutex(*r);
    {
      auto lock = co_await mutex.lock();
      auto moved = std::move(lock);
    }
    auto again = co_await mutex.lock();
    co_return true;
  };
  CHECK(test::run(runtime, task(&runtime)));
}

TEST_CASE("wait readable: bytes, a hang-up, a deadline and a bad descriptor") {
  Pipe pipe;
  auto wait = [](int fd, Deadline deadline) {
    Runtime runtime;
    return test::run(runtime, wait_readable(runtime, fd, deadline));
  };
  CHECK(wait(pipe.read.get(), after(5ms)) == false);
  CHECK(wait(pipe.read.get(), Clock::now() - 1h) == false);
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  CHECK(wait(pipe.read.get(), after(10s)) == true);
  char byte;
  REQUIRE(::read(pipe.read.get(), &byte, 1) == 1);
  pipe.write.reset();
  CHECK(wait(pipe.read.get(), after(10s)) == true);
  CHECK(wait(999, after(10s)).error().sys_errno == EBADF);
  UniqueFd regular(::open("/proc/self/exe", O_RDONLY));
  CHECK_FALSE(wait(regular.get(), after(10s)));
}

TEST_CASE("wait readable: many times on one descriptor, with the deadline and the byte racing") {
  Runtime runtime;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  UniqueFd ours(fds[0]), theirs(fds[1]);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) (void)!::send(theirs.get(), "x", 1, MSG_DONTWAIT);
  });
  auto task = [](Runtime* r, int fd) -> Task<int> {
    int wakes = 0;
    for (int i = 0; i < 2000; ++i) {
      auto ready = co_await wait_readable(*r, fd, after(i % 2 ? 0ms : 1ms));
      if (!ready) co_return -1;
      char byte;
      if (*ready && ::recv(fd, &byte, 1, MSG_DONTWAIT) == 1) ++wakes;
    }
    co_return wakes;
  };
  int wakes = test::run(runtime, task(&runtime, ours.get()));
  stop = true;
  writer.join();
  CHECK(wakes > 0);
}

TEST_CASE("wait readable: a process's end") {
  Runtime runtime;
  auto child = spawn({.argv = {"/bin/true"}});
  REQUIRE(child);
  CHECK(test::run(runtime, wait_readable(runtime, child->pidfd(), after(10s))) == true);
  CHECK(child->poll()->code == 0);
}

TEST_CASE("blocking: work runs beside the loop, and its value comes back to it") {
  Runtime runtime(2);
  auto done = std::make_shared<int>(0);
  auto loop_thread = std::this_thread::get_id();
  auto worker = [](Runtime* r, std::shared_ptr<int> count, std::thread::id loop, int n) -> Task<> {
    auto text = co_await r->blocking(
        [n, loop] { return std::this_thread::get_id() == loop ? std::string() : std::to_string(n); });
    if (text == std::to_string(n) && std::this_thread::get_id() == loop) ++*count;
  };
  for (int n = 0; n < 500; ++n) runtime.spawn(worker(&runtime, done, loop_thread, n));
  runtime.run();
  CHECK(*done == 500);
}

TEST_CASE("blocking: a loop that stops meanwhile waits for the work and leaks nothing") {
  auto finished = std::make_shared<std::atomic<bool>>(false);
  {
    Runtime runtime(1);
    runtime.spawn([](Runtime* r, std::shared_ptr<std::atomic<bool>> flag) -> Task<> {
      co_await r->blocking([flag] {
        std::this_thread::sleep_for(20ms);
        return flag->exchange(true);
      });
    }(&runtime, finished));
    runtime.spawn([](Runtime* r) -> Task<> {
      co_await r->sleep_for(0ms);
      r->stop();
    }(&runtime));
    runtime.run();
  }
  CHECK(*finished);
}

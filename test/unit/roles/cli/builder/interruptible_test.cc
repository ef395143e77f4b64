#include "roles/cli/builder/interruptible.h"

#include <signal.h>

#include <chrono>
#include <thread>

#include "catch.h"

using namespace banger;
using namespace banger::roles::cli;

TEST_CASE("interruptible: the result is that of the work, and progress is told") {
  auto signals = Signals::interrupts().value();
  int told = 0;
  auto tell = [&] { ++told; };
  CHECK(run_interruptible(signals, tell, [](const image::StopFlag&) { return Result<>(); }));
  CHECK(told > 0);
  auto failed = run_interruptible(signals, tell,
                                  [](const image::StopFlag&) -> Result<> { return fail(ErrorCode::corrupt, "no"); });
  CHECK(failed.error().code == ErrorCode::corrupt);
}

TEST_CASE("interruptible: a signal stops the work") {
  auto signals = Signals::interrupts().value();
  auto main = ::pthread_self();
  for (int number : {SIGINT, SIGTERM}) {
    auto done = run_interruptible(
        signals, [] {},
        [&](const image::StopFlag& stop) -> Result<> {
          ::pthread_kill(main, number);
          while (!image::requested(&stop)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return fail(ErrorCode::corrupt, "half of it");
        });
    CHECK(done.error().code == ErrorCode::cancelled);
    CHECK(signals.take() == number);  // the next call of the command sees the signal too
  }
}

TEST_CASE("interruptible: a signal at the end of the work counts") {
  auto signals = Signals::interrupts().value();
  ::raise(SIGINT);
  auto done = run_interruptible(signals, [] {}, [](const image::StopFlag&) { return Result<>(); });
  CHECK(done.error().code == ErrorCode::cancelled);
}

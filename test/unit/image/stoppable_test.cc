#include "image/stoppable.h"

#include "catch.h"
#include "support/run.h"

using namespace banger;

namespace {

/// Counts pieces until it is told to stop.
int count(const image::StopFlag* stop) {
  int pieces = 0;
  while (!image::requested(stop)) ++pieces;
  return pieces;
}

Task<> leave_later(host::Runtime* runtime, host::Cancel* cancel) {
  co_await runtime->sleep_for(std::chrono::milliseconds(1));
  cancel->request();
}

}  // namespace

TEST_CASE("stoppable work: ends once the caller goes away, and gives its value") {
  host::Runtime runtime;
  host::Cancel cancel(runtime);
  runtime.spawn(leave_later(&runtime, &cancel));
  CHECK(test::run(runtime, image::stoppable(runtime, cancel, count)) >= 0);
}

TEST_CASE("stoppable work: is not told to stop while the caller waits") {
  host::Runtime runtime;
  host::Cancel cancel(runtime);
  CHECK_FALSE(test::run(runtime, image::stoppable(runtime, cancel, image::requested)));
}

// A lock between processes.
#include "roles/helper/operation_lock.h"

#include <unistd.h>

#include "catch.h"
#include "host/child.h"

using namespace banger;
using namespace banger::roles::helper;
using namespace std::chrono_literals;

TEST_CASE("operation lock: one process has it at a time, and a dead process has none") {
  auto lock = OperationLock::make();
  REQUIRE(lock);
  REQUIRE(lock->lock(1s));
  auto waiting = host::fork_to([&] { return lock->lock(10ms) ? 1 : 0; });
  REQUIRE(waiting);
  CHECK(waiting->wait().code == 0);
  lock->unlock();

  auto dying = host::fork_to([&] { return lock->lock(1s) ? 7 : 1; });  // ends with the lock
  REQUIRE(dying);
  CHECK(dying->wait().code == 7);
  CHECK(lock->lock(1s));
  lock->unlock();
  CHECK(lock->lock(1s));
}

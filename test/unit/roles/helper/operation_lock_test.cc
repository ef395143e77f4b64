// One at a time over processes.
#include "roles/helper/operation_lock.h"

#include <unistd.h>

#include "catch.h"
#include "host/child.h"

using namespace banger;
using namespace banger::roles::helper;
using namespace std::chrono_literals;

TEST_CASE("lock: it is one process's at a time, and of those that died nobody's") {
  auto lock = OperationLock::make();
  REQUIRE(lock);
  REQUIRE(lock->lock(1s));
  auto waiting = host::fork_to([&] { return lock->lock(10ms) ? 1 : 0; });
  REQUIRE(waiting);
  CHECK(waiting->wait().code == 0);
  lock->unlock();

  auto dying = host::fork_to([&] { return lock->lock(1s) ? 7 : 1; });  // never gives it back
  REQUIRE(dying);
  CHECK(dying->wait().code == 7);
  CHECK(lock->lock(1s));
  lock->unlock();
  CHECK(lock->lock(1s));
}

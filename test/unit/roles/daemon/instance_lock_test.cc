// One daemon for each state directory, by a lock that ends with its process.
#include "roles/daemon/instance_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::daemon;

TEST_CASE("instance lock: a second holder is refused with the first one's pid, and may follow it") {
  test::TempDir dir;
  auto path = dir / "lock";
  {
    auto first = take_instance_lock(path);
    REQUIRE(first);
    auto second = take_instance_lock(path);
    REQUIRE(!second);
    CHECK(second.error().code == ErrorCode::exists);
    CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
  }
  CHECK(take_instance_lock(path));
}

TEST_CASE("instance lock: a killed holder leaves it free") {
  test::TempDir dir;
  auto path = dir / "lock";
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  pid_t child = ::fork();
  if (child == 0) {
    auto lock = take_instance_lock(path);
    (void)!::write(ready[1], lock ? "y" : "n", 1);
    ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == 'y');
  CHECK(!take_instance_lock(path));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(take_instance_lock(path));
  ::close(ready[0]);
  ::close(ready[1]);
}

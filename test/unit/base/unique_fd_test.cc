// Descriptors are closed once, by their last owner.
#include "base/unique_fd.h"

#include <fcntl.h>

#include "catch.h"

using banger::UniqueFd;

namespace {
int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
}  // namespace

TEST_CASE("unique fd: moving keeps it open, the end closes it") {
  int number = open_null();
  {
    UniqueFd first(number);
    UniqueFd second(std::move(first));
    CHECK_FALSE(first);
    CHECK(second.get() == number);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("unique fd: assigning closes the old one; to itself it keeps it") {
  int one = open_null(), two = open_null();
  UniqueFd fd(one);
  fd = UniqueFd(two);
  CHECK_FALSE(is_open(one));
  UniqueFd& same = fd;
  fd = std::move(same);
  CHECK(is_open(two));
  CHECK(fd.release() == two);
  CHECK(is_open(two));
  ::close(two);
}

#include "host/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "catch.h"
#include "host/child.h"

using namespace banger;

namespace {

// 0 when every promise holds, else the number of the first broken one.
int check_with_all_closed() {
  for (int fd : {0, 1, 2}) ::close(fd);
  host::reserve_standard_streams();
  int next = ::open("/", O_RDONLY | O_CLOEXEC);
  if (next <= 2) return 1;
  char byte = 'x';
  if (::read(0, &byte, 1) != 0) return 2;
  for (int fd : {1, 2})
    if (::write(fd, &byte, 1) != -1 || errno != EBADF) return 3;
  return 0;
}

int check_with_output_closed() {
  int ends[2];
  if (::pipe(ends) < 0 || ::dup2(ends[0], 0) < 0 || ::dup2(ends[1], 2) < 0) return 1;
  ::close(1);
  host::reserve_standard_streams();
  char byte = 'x';
  if (::write(1, &byte, 1) != -1 || errno != EBADF) return 2;
  // The other streams are unchanged.
  return ::write(2, "y", 1) == 1 && ::read(0, &byte, 1) == 1 && byte == 'y' ? 0 : 3;
}

int in_a_copy(int (*check)()) {
  auto child = host::fork_to(check);
  REQUIRE(child);
  return child->wait().shell_code();
}

}  // namespace

TEST_CASE("standard streams: closed ones are at their end or fail, and nothing else gets their numbers") {
  CHECK(in_a_copy(check_with_all_closed) == 0);
}

TEST_CASE("standard streams: open ones stay as they are") { CHECK(in_a_copy(check_with_output_closed) == 0); }

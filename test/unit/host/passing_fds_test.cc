// Descriptors over sockets.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "catch.h"
#include "host/bounds.h"
#include "host/unix_socket.h"

using namespace banger;
using namespace banger::host;

namespace {
std::pair<UniqueFd, UniqueFd> socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}
}  // namespace

TEST_CASE("unix socket: descriptors arrive with the bytes they were sent with, closed on exec") {
  auto [ours, theirs] = socket_pair();
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  UniqueFd reader(pipe_ends[0]);
  std::vector<UniqueFd> sent;
  sent.emplace_back(pipe_ends[1]);
  REQUIRE(send_with_fds(ours.get(), "here\n", sent).value_or(0) == 5);
  sent.clear();

  std::string text;
  std::vector<UniqueFd> received;
  auto more = receive_with_fds(theirs.get(), text, received);
  REQUIRE(more);
  CHECK(*more);
  CHECK(text == "here\n");
  REQUIRE(received.size() == 1);
  CHECK(::fcntl(received[0].get(), F_GETFD) == FD_CLOEXEC);
  REQUIRE(::write(received[0].get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(reader.get(), &byte, 1) == 1);
  CHECK(byte == 'x');
}

TEST_CASE("unix socket: no data, the end and too many descriptors are different results") {
  auto [ours, theirs] = socket_pair();
  std::string text;
  std::vector<UniqueFd> received;
  CHECK(receive_with_fds(theirs.get(), text, received, MSG_DONTWAIT).error().code == ErrorCode::busy);
  std::vector<UniqueFd> many;
  for (std::size_t i = 0; i <= limits::kPassedFds; ++i) many.emplace_back(::dup(ours.get()));
  CHECK_FALSE(send_with_fds(ours.get(), "x", many));
  many.clear();
  ours.reset();
  auto more = receive_with_fds(theirs.get(), text, received);
  REQUIRE(more);
  CHECK_FALSE(*more);
  CHECK(text.empty());
}

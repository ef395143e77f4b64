// A raw stream that a command follows.
#include "roles/cli/log_stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "catch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

struct Ends {
  UniqueFd ours, theirs;
};

Ends connected() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

struct Followed {
  Ends stream = connected(), output = connected();
  Signals signals = std::move(*Signals::interrupts());
  Io io{.out = output.ours.get(), .env = {}, .environment = {}, .daemon_command = {}};
  std::string got;

  Result<StreamEnd> follow(bool enough = false) {
    return read_stream(io, stream.ours.get(), signals, "log", [&](std::string_view bytes) -> Result<bool> {
      got += bytes;
      return enough;
    });
  }
};

}  // namespace

TEST_CASE("log stream: it is followed to its end, or until there is enough of it") {
  Followed f;
  REQUIRE(host::write_all(f.stream.theirs.get(), "one"));
  CHECK(f.follow(true) == StreamEnd::enough);
  REQUIRE(host::write_all(f.stream.theirs.get(), "two"));
  f.stream.theirs.reset();
  CHECK(f.follow() == StreamEnd::ended);
  CHECK(f.got == "onetwo");
}

TEST_CASE("log stream: a quiet stream is not followed for a reader that is gone") {
  Followed f;
  std::thread reader([&] { f.output.theirs.reset(); });
  CHECK(f.follow() == StreamEnd::enough);
  reader.join();
  CHECK(f.io.out_errno == EPIPE);
}

#include "roles/cli/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "catch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

// What a person reads and answers.
bool answered(std::string_view answer) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]), null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  REQUIRE(host::write_all(writer.get(), answer));
  writer.reset();
  return Io{.in = reader.get(), .err = null.get(), .env = {}, .environment = {}, .daemon_command = {}}.ask("delete?");
}

}  // namespace

TEST_CASE("io: only a clear yes is a yes") {
  for (auto yes : {"y\n", "Y\n", "yes\n", " y \n"}) CHECK(answered(yes));
  for (auto no : {"", "\n", "n\n", "no\n", "yesterday\n", "yes, but not all of them\n", "\xff\n"}) CHECK(!answered(no));
}

TEST_CASE("io: a question needs a terminal on both sides") {
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC)), master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  UniqueFd terminal(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(terminal);
  auto can_ask = [](int in, int err) {
    return Io{.in = in, .err = err, .env = {}, .environment = {}, .daemon_command = {}}.can_ask();
  };
  CHECK(can_ask(terminal.get(), terminal.get()));
  CHECK(!can_ask(null.get(), terminal.get()));
  CHECK(!can_ask(terminal.get(), null.get()));
}

TEST_CASE("io: an output whose reader is gone has failed, also before the next write") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  Io io{.out = writer.get(), .env = {}, .environment = {}, .daemon_command = {}};
  CHECK(io.has_reader());
  CHECK(io.out_errno == 0);
  reader.reset();
  CHECK(!io.has_reader());
  CHECK(io.out_errno == EPIPE);
  UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  Io file{.out = null.get(), .env = {}, .environment = {}, .daemon_command = {}};
  CHECK(file.has_reader());
}

// Finding and starting a daemon. A shell script takes the place of the daemon. The tests of the command line have the
// messages.
#include "client/start.h"

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::client;

namespace {

struct Fixture {
  Fixture() { paths.state = dir / "state"; }
  DaemonProgram script(const std::string& text) {
    REQUIRE(host::write_file(dir / "daemon", "#!/bin/sh\n" + text, 0755));
    return {.argv = {dir / "daemon"}, .environment = {"PATH=/usr/bin:/bin"}};
  }
  test::TempDir dir;
  host::Paths paths;
};

}  // namespace

TEST_CASE("start: finds no daemon where none listens, and makes no files") {
  Fixture f;
  auto socket = find(f.paths);
  REQUIRE_FALSE(socket);
  CHECK(socket.error().code == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(f.paths.state));
}

TEST_CASE("start: a daemon that ends before it listens says why") {
  Fixture f;
  auto connected = connect_or_start(f.paths, f.script("echo 'no room (hint: make some)' >&3\nexit 1\n"));
  REQUIRE_FALSE(connected);
  CHECK(connected.error().code == ErrorCode::unavailable);
  CHECK(connected.error().sentence() == "the daemon did not start: no room (hint: make some)");
}

TEST_CASE("start: the error of a daemon that ends silently names its log") {
  Fixture f;
  auto connected = connect_or_start(f.paths, f.script("echo \"argv: $*\"\nexit 3\n"));
  REQUIRE_FALSE(connected);
  CHECK(connected.error().message == "the daemon did not start: it ended at once with status 3");
  CHECK(connected.error().hint == "see " + f.paths.daemon_log());
  CHECK(f.dir.get("state/bangerd.log").starts_with("argv: --ready-fd 3\n"));
}

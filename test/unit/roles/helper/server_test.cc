// The accepting half over a real socket: who is let in, and who cannot hold up whom.
#include "roles/helper/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "host/child.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::helper;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// A server in a process of its own, as its forks need. Each handler answers "N\n", N its peer's user, once told to.
struct Fixture {
  explicit Fixture(ServerOptions options, Handle handle = answer_when_told) {
    auto listener = host::listen_unix(directory / "s");
    REQUIRE(listener);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd stop_read(ends[0]);
    stop = UniqueFd(ends[1]);
    auto log_file = host::open_file(directory / "log", O_WRONLY | O_CREAT | O_APPEND);
    REQUIRE(log_file);
    auto forked = host::fork_to([&] {
      stop.reset();
      Logger log(log_file->get());
      return serve(options, log, std::move(*listener), stop_read.get(), handle) ? 0 : 1;
    });
    REQUIRE(forked);
    server = std::move(*forked);
  }

  static int answer_when_told(UniqueFd socket, const host::Peer& peer) {
    char byte;
    if (::read(socket.get(), &byte, 1) != 1) return 1;
    return host::write_all(socket.get(), std::to_string(peer.uid) + "\n") ? 0 : 1;
  }

  UniqueFd connect() const {
    auto socket = host::connect_unix(directory / "s");
    REQUIRE(socket);
    return std::move(*socket);
  }
  static std::string ask(const UniqueFd& socket) {
    (void)::send(socket.get(), "?", 1, MSG_NOSIGNAL);
    return rest(socket);
  }
  static std::string rest(const UniqueFd& socket) {
    char text[64];
    auto count = ::read(socket.get(), text, sizeof text);
    return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : "";
  }
  std::string log() const { return host::read_file(directory / "log", 64 * 1024).value_or(""); }

  test::TempDir directory;
  UniqueFd stop;
  host::Child server;
};

const std::string kMe = std::to_string(::geteuid()) + "\n";

}  // namespace

TEST_CASE("helper server: who is silent holds up nobody else, and ends when the client goes") {
  Fixture fixture({.owner = ::geteuid()});
  auto silent = fixture.connect(), other = fixture.connect();
  CHECK(Fixture::ask(other) == kMe);
  CHECK(Fixture::ask(fixture.connect()) == kMe);
  CHECK(Fixture::ask(silent) == kMe);
}

TEST_CASE("helper server: when all places are taken the next one waits for a place") {
  Fixture fixture({.owner = ::geteuid(), .connections = 2});
  auto first = fixture.connect(), second = fixture.connect(), third = fixture.connect();
  (void)::send(third.get(), "?", 1, MSG_NOSIGNAL);
  pollfd waiting{third.get(), POLLIN, 0};
  CHECK(::poll(&waiting, 1, 200) == 0);
  CHECK(Fixture::ask(first) == kMe);
  CHECK(Fixture::rest(third) == kMe);
}

TEST_CASE("helper server: a handler over its deadline is killed with all it started") {
  auto stuck = [](UniqueFd socket, const host::Peer&) {
    auto program = host::spawn({.argv = {"/bin/sleep", "1000"}, .env = {}, .stdout_fd = socket.get()});
    return program ? program->wait().shell_code() : 1;
  };
  Fixture fixture({.owner = ::geteuid(), .deadline = 100ms}, stuck);
  auto client = fixture.connect();
  CHECK(Fixture::rest(client).empty());  // its end: also sleep, which had it, is gone
  fixture.stop.reset();
  CHECK(fixture.server.wait().shell_code() == 0);
  CHECK(fixture.log().find("helper.killed") != std::string::npos);
}

TEST_CASE("helper server: a handler that crashes is written down and nobody else's trouble") {
  auto crash = [](UniqueFd, const host::Peer&) {
    ::signal(SIGABRT, SIG_DFL);
    ::raise(SIGABRT);
    return 0;
  };
  Fixture fixture({.owner = ::geteuid()}, crash);
  for (int round = 0; round < 3; ++round) CHECK(Fixture::rest(fixture.connect()).empty());
  fixture.stop.reset();
  CHECK(fixture.server.wait().shell_code() == 0);
  CHECK(fixture.log().find("helper.killed") != std::string::npos);
}

TEST_CASE("helper server: told to stop it lets those who are in finish, and nobody else in") {
  Fixture fixture({.owner = ::geteuid()});
  auto inside = fixture.connect();
  // Inside for certain once a later one has been answered: they are taken in order.
  CHECK(Fixture::ask(fixture.connect()) == kMe);
  fixture.stop.reset();
  for (int round = 0; round < 500 && host::connect_unix(fixture.directory / "s"); ++round) ::usleep(10'000);
  CHECK_FALSE(host::connect_unix(fixture.directory / "s"));
  CHECK(Fixture::ask(inside) == kMe);
  CHECK(fixture.server.wait().shell_code() == 0);
}

TEST_CASE("helper server: another user is turned away and written down") {
  if (::geteuid() != 0) {
    std::printf(
        "SKIPPED: helper server: another user is turned away and written down: only root can be someone else\n");
    return;
  }
  Fixture fixture({.owner = 65533});
  CHECK(Fixture::ask(fixture.connect()) == "0\n");  // root may always
  fs::permissions(fixture.directory.path(), fs::perms::all);
  fs::permissions(fixture.directory / "s", fs::perms::all);  // not the file's mode must turn them away
  auto as_user = [&](uid_t uid) {
    auto client = host::fork_to([&] {
      if (::setresuid(uid, uid, uid) < 0) return 100;
      auto socket = host::connect_unix(fixture.directory / "s");
      return socket && Fixture::ask(*socket) == std::to_string(uid) + "\n" ? 0 : 1;
    });
    REQUIRE(client);
    return client->wait().shell_code();
  };
  CHECK(as_user(65534) == 1);
  CHECK(as_user(65533) == 0);
  fixture.stop.reset();
  CHECK(fixture.server.wait().shell_code() == 0);
  CHECK(fixture.log().find("helper.refused uid=65534") != std::string::npos);
}

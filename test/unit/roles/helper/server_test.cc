// The server over a real socket: which peers are served, and that no peer delays another.
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

// A server in a process of its own, because it forks. A handler waits for a byte and answers "N\n", the uid of its
// peer.
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

TEST_CASE("helper server: a silent client delays no other, and its handler ends with it") {
  Fixture fixture({.owner = ::geteuid()});
  auto silent = fixture.connect(), other = fixture.connect();
  CHECK(Fixture::ask(other) == kMe);
  CHECK(Fixture::ask(fixture.connect()) == kMe);
  CHECK(Fixture::ask(silent) == kMe);
}

TEST_CASE("helper server: at the limit, the next connection waits") {
  Fixture fixture({.owner = ::geteuid(), .connections = 2});
  auto first = fixture.connect(), second = fixture.connect(), third = fixture.connect();
  (void)::send(third.get(), "?", 1, MSG_NOSIGNAL);
  pollfd waiting{third.get(), POLLIN, 0};
  CHECK(::poll(&waiting, 1, 200) == 0);
  CHECK(Fixture::ask(first) == kMe);
  CHECK(Fixture::rest(third) == kMe);
}

TEST_CASE("helper server: a handler over its deadline is killed with its processes") {
  auto stuck = [](UniqueFd socket, const host::Peer&) {
    auto program = host::spawn({.argv = {"/bin/sleep", "1000"}, .env = {}, .stdout_fd = socket.get()});
    return program ? program->wait().shell_code() : 1;
  };
  Fixture fixture({.owner = ::geteuid(), .deadline = 100ms}, stuck);
  auto client = fixture.connect();
  CHECK(Fixture::rest(client).empty());  // the end of the stream: `sleep`, which had the socket too, was killed
  fixture.stop.reset();
  CHECK(fixture.server.wait().shell_code() == 0);
  CHECK(fixture.log().find("helper.killed") != std::string::npos);
}

TEST_CASE("helper server: a crash of a handler is logged and disturbs no other") {
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

TEST_CASE("helper server: a stop lets running handlers finish, and accepts no others") {
  Fixture fixture({.owner = ::geteuid()});
  auto inside = fixture.connect();
  // Connections are accepted in order. So an answer to a later one proves that this one was accepted.
  CHECK(Fixture::ask(fixture.connect()) == kMe);
  fixture.stop.reset();
  for (int round = 0; round < 500 && host::connect_unix(fixture.directory / "s"); ++round) ::usleep(10'000);
  CHECK_FALSE(host::connect_unix(fixture.directory / "s"));
  CHECK(Fixture::ask(inside) == kMe);
  CHECK(fixture.server.wait().shell_code() == 0);
}

TEST_CASE("helper server: another user is refused and logged") {
  if (::geteuid() != 0) {
    std::printf(
        "SKIPPED: helper server: another user is turned away and written down: only root can be someone else\n");
    return;
  }
  Fixture fixture({.owner = 65533});
  CHECK(Fixture::ask(fixture.connect()) == "0\n");  // root is always served
  fs::permissions(fixture.directory.path(), fs::perms::all);
  fs::permissions(fixture.directory / "s", fs::perms::all);  // the helper refuses the peer, not the mode of the socket
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

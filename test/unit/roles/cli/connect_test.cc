#include "roles/cli/connect.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "catch.h"
#include "helpers.h"
#include "host/child.h"
#include "host/files.h"
#include "host/unix_socket.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

// A shell script instead of the daemon. Its last two words are `--ready-fd 3`.
void use_script(test::Home& home, const std::string& script) {
  auto path = home.path() + "/fake-daemon";
  REQUIRE(host::write_file(path, "#!/bin/sh\n" + script, 0755));
  home.daemon_command = {path, "bangerd"};
}

std::map<std::string, test::FakeDaemon::Answer> no_vms() {
  return {{"vm.list", [](const Json&) -> Result<Json> { return Json{{"vms", Json::array()}}; }}};
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("connect: uses a running daemon and prints nothing") {
  test::Home home;
  test::FakeDaemon daemon(home, no_vms());
  auto done = home.run({"vm", "list", "-q"});
  CHECK(done.status == 0);
  CHECK(done.err.empty());
}

TEST_CASE("connect: warns once of a daemon with another version, and uses it") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["daemon.status"] = [](const Json&) -> Result<Json> { return Json{{"version", "9.9.9"}, {"pid", 1}}; };
  daemon.answers["vm.list"] = [](const Json&) -> Result<Json> { return Json{{"vms", Json::array()}}; };
  auto done = home.run({"vm", "list", "-q"});
  CHECK(done.status == 0);
  CHECK(contains(done.err, "9.9.9"));
  CHECK(contains(done.err, "banger daemon stop"));
}

TEST_CASE("connect: starts the daemon when none runs, prints that, and the daemon writes to its log") {
  test::Home home;
  // The daemon is ready once its socket exists. This test makes the socket while the script holds the ready descriptor.
  use_script(home, "echo \"argv: $*\"\nread -r _ <\"$HOME/go\"\necho ok >&3\n");
  REQUIRE(::mkfifo((home.path() + "/go").c_str(), 0600) == 0);
  std::unique_ptr<test::FakeDaemon> daemon;
  std::jthread starter([&] {
    auto go = host::open_file(home.path() + "/go", O_WRONLY);  // blocks until the script opens the FIFO
    daemon = std::make_unique<test::FakeDaemon>(home, no_vms());
    (void)host::write_all(go->get(), "go\n");
  });
  auto done = home.run({"vm", "list", "-q"});
  starter.join();
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(contains(done.err, "banger: started the daemon (pid "));
  CHECK(host::read_file(home.state() + "/bangerd.log", 4096).value_or("") == "argv: bangerd --ready-fd 3\n");
}

TEST_CASE("connect: prints why a daemon does not start") {
  test::Home home;
  use_script(home, "echo 'config.toml:3: unknown key (hint: did you mean x?)' >&3\nexit 1\n");
  auto done = home.run({"vm", "list"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "banger: the daemon did not start: config.toml:3: unknown key (hint: did you mean x?)"));
  use_script(home, "exit 3\n");
  done = home.run({"vm", "list"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "it ended at once with status 3 (hint: see "));
  home.daemon_command = {home.path() + "/no-such-program"};
  CHECK(home.run({"vm", "list"}).status == 125);
}

TEST_CASE("connect: a stale socket does not count as a daemon") {
  test::Home home;
  REQUIRE(host::make_directories(home.state() + "/run", 0700));
  REQUIRE(host::listen_unix(home.socket()));  // closed at once, so nobody listens
  auto marker = home.path() + "/tried";
  use_script(home, "echo >" + marker + "\nexit 1\n");
  CHECK(home.run({"vm", "list"}).status == 125);
  CHECK(host::read_file(marker, 10));
}

TEST_CASE("connect: a daemon that finds the lock taken leaves its client to the other daemon") {
  test::Home home;
  use_script(home, "read -r _ <\"$HOME/go\"\necho 'another bangerd runs' >&3\nexit 1\n");
  REQUIRE(::mkfifo((home.path() + "/go").c_str(), 0600) == 0);
  std::unique_ptr<test::FakeDaemon> daemon;
  std::jthread winner([&] {
    auto go = host::open_file(home.path() + "/go", O_WRONLY);
    daemon = std::make_unique<test::FakeDaemon>(home, no_vms());
    (void)host::write_all(go->get(), "go\n");
  });
  auto done = home.run({"vm", "list", "-q"});
  winner.join();
  CHECK(done.status == 0);
  CHECK(!contains(done.err, "another bangerd"));
}

TEST_CASE("connect: many clients at once start one daemon") {
  test::Home home;
  // The script counts its starts. The first start makes a real listener for the other clients.
  use_script(home, "echo x >>\"$HOME/starts\"\nread -r _ <\"$HOME/go\"\necho ok >&3\n");
  REQUIRE(::mkfifo((home.path() + "/go").c_str(), 0600) == 0);
  std::unique_ptr<test::FakeDaemon> daemon;
  std::vector<int> statuses(4, -1);
  {
    std::vector<std::jthread> runs;
    for (int& status : statuses) runs.emplace_back([&] { status = home.run({"vm", "list", "-q"}).status; });
    auto go = host::open_file(home.path() + "/go", O_WRONLY);
    daemon = std::make_unique<test::FakeDaemon>(home, no_vms());
    (void)host::write_all(go->get(), "go\n");
  }
  CHECK(statuses == std::vector<int>(4, 0));
  CHECK(host::read_file(home.path() + "/starts", 100).value_or("") == "x\n");
}

TEST_CASE("daemon status and stop: report that no daemon runs, and start none") {
  test::Home home;
  home.daemon_command = {"/usr/bin/touch", home.path() + "/started"};
  auto status = home.run({"daemon", "status"});
  CHECK(status.status == 1);
  CHECK(status.out == "bangerd is not running\n");
  CHECK(home.run({"daemon", "stop"}).status == 0);
  CHECK(!host::read_file(home.path() + "/started", 1));
}

TEST_CASE("daemon stop: waits until the process has ended") {
  test::Home home;
  auto sleeper = host::spawn({.argv = {"/bin/sleep", "600"}, .env = {}, .cwd = ""});
  REQUIRE(sleeper);
  test::FakeDaemon daemon(home);
  daemon.answers["daemon.status"] = [&](const Json&) -> Result<Json> {
    return Json{{"version", BANGER_VERSION}, {"pid", sleeper->pid()}};
  };
  daemon.answers["daemon.stop"] = [&](const Json&) -> Result<Json> {
    (void)sleeper->signal(SIGTERM);
    return Json::object();
  };
  auto done = home.run({"daemon", "stop"});
  CHECK(done.status == 0);
  CHECK(done.out == "bangerd has stopped\n");
  CHECK(sleeper->poll());
}

TEST_CASE("daemon logs: prints the last part of the file") {
  test::Home home;
  REQUIRE(host::make_directories(home.state()));
  REQUIRE(host::write_file(home.state() + "/bangerd.log", "one\ntwo\nthree\n"));
  CHECK(home.run({"daemon", "logs"}).out == "one\ntwo\nthree\n");
  CHECK(home.run({"daemon", "logs", "--tail", "1"}).out == "three\n");
  CHECK(home.run({"daemon", "logs", "-n", "2"}).out == "two\nthree\n");
  CHECK(home.run({"daemon", "logs", "--tail", "all"}).out == "one\ntwo\nthree\n");
  CHECK(home.run({"daemon", "logs", "--tail", "64K"}).status == 2);
  test::Home empty;
  CHECK(empty.run({"daemon", "logs"}).status == 125);
}

TEST_CASE("connect: a home that cannot be made is named, with a way out") {
  test::Home home;
  home.variables["HOME"] = "/proc/nobody";
  auto done = home.run({"vm", "list"});
  CHECK(done.status == 125);
  CHECK(done.err.starts_with("banger: make the directory of banger's VMs: /proc/nobody"));
  CHECK(done.err.ends_with("(hint: set HOME or XDG_STATE_HOME to a directory that you can write to)\n"));
}

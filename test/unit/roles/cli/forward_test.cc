// banger vm forward: parsing, listening, and bytes through a fake daemon to an echo server.
#include "roles/cli/forward.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/bounds.h"
#include "catch.h"
#include "helpers.h"
#include "host/files.h"
#include "roles/cli/bounds.h"
#include "rpc/chunks.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

constexpr host::Ipv4 kLoopback = 0x7f000001;

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

UniqueFd connect_to(const host::Endpoint& where) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{
      .sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) return {};
  return fd;
}

std::string read_to_end(int fd) {
  std::string all;
  char chunk[65536];
  for (ssize_t got; (got = ::read(fd, chunk, sizeof chunk)) > 0;) all.append(chunk, static_cast<std::size_t>(got));
  return all;
}

struct Pair {
  UniqueFd ours, theirs;
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    ours = UniqueFd(fds[0]);
    theirs = UniqueFd(fds[1]);
  }
};

// A port that was free when this function looked.
std::uint16_t free_port() {
  auto listener = listen_for(kLoopback, {0, 1});
  REQUIRE(listener.has_value());
  return listener->at.port;
}

// Runs the command while `use` connects to it, then interrupts the command.
test::Outcome run_interrupted(test::Home& home, const std::vector<std::string>& words,
                              const std::function<void()>& use) {
  auto thread = ::pthread_self();
  std::thread user([&] {
    use();
    ::pthread_kill(thread, SIGINT);
  });
  auto outcome = home.run(words);
  user.join();
  return outcome;
}

}  // namespace

TEST_CASE("forward: parses ports") {
  CHECK(parse_forwarded_port("8080")->host == 8080);
  CHECK(parse_forwarded_port("8080")->guest == 8080);
  CHECK(parse_forwarded_port("0:22")->host == 0);
  CHECK(parse_forwarded_port("9000:22")->guest == 22);
  for (std::string_view text : {"", "0", "x", "1:", ":1", "1:0", "65536", "1:2:3", "-1", "80 "}) {
    INFO(text);
    CHECK_FALSE(parse_forwarded_port(text).has_value());
  }
}

TEST_CASE("forward: the error for a port in use has a way out") {
  auto first = listen_for(kLoopback, {0, 80});
  REQUIRE(first.has_value());
  auto second = listen_for(kLoopback, {first->at.port, 80});
  REQUIRE_FALSE(second.has_value());
  CHECK(contains(second.error().sentence(), "127.0.0.1:" + std::to_string(first->at.port)));
  CHECK(contains(second.error().hint, "0:80"));
}

TEST_CASE("forward: moves megabytes in both directions at once, and each direction ends by itself") {
  Pair first, second;
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  std::thread pump([&] {
    CHECK(pump_both_ways(first.theirs.get(), second.theirs.get(), rpc::encode_chunk("early "), stop.get()) ==
          Ending::whole);
    first.theirs.reset();
    second.theirs.reset();
  });
  std::string there(5 << 20, 'x'), back(3 << 20, 'y'), got_there;
  std::thread writer([&] {
    (void)host::write_all(first.ours.get(), there);
    ::shutdown(first.ours.get(), SHUT_WR);
  });
  std::thread far([&] {
    std::thread also([&] { (void)host::write_all(second.ours.get(), rpc::encode_chunk(back)); });
    got_there = read_to_end(second.ours.get());  // ends although the other direction is open
    also.join();
    (void)host::write_all(second.ours.get(), rpc::encode_chunk("last") + rpc::encode_chunk({}));
    ::shutdown(second.ours.get(), SHUT_WR);
  });
  auto got_back = read_to_end(first.ours.get());
  writer.join();
  far.join();
  pump.join();
  CHECK(got_there == there);
  CHECK(got_back == "early " + back + "last");
}

TEST_CASE("forward: pumping ends when the stop descriptor is readable") {
  Pair first, second;
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  Ending ending = Ending::whole;
  std::thread pump([&] { ending = pump_both_ways(first.theirs.get(), second.theirs.get(), "", stop.get()); });
  ::eventfd_write(stop.get(), 1);
  pump.join();
  CHECK(ending == Ending::broken);
}

TEST_CASE("forward: a tunnel that ends without the guest's end is broken, also after the caller's end") {
  for (bool caller_ended : {false, true}) {
    Pair first, second;
    UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
    if (caller_ended) ::shutdown(first.ours.get(), SHUT_WR);
    (void)host::write_all(second.ours.get(), rpc::encode_chunk("half an ans"));
    ::shutdown(second.ours.get(), SHUT_WR);
    CHECK(pump_both_ways(first.theirs.get(), second.theirs.get(), "", stop.get()) == Ending::broken);
  }
}

TEST_CASE("vm forward: connections go to the guest's port until it is interrupted") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
  daemon.answers["vm.tunnel"] = [](const Json&) -> Result<Json> { return Json::object(); };
  daemon.streams["vm.tunnel"] = [](int socket, const Json& params) {
    auto said = read_to_end(socket);
    auto answer = std::to_string(params.at("port").get<int>()) + " heard " + said;
    (void)host::write_all(socket, rpc::encode_chunk(answer) + rpc::encode_chunk({}));
  };
  auto port = free_port();
  std::vector<std::string> answers;
  auto done = run_interrupted(home, {"vm", "forward", "web", std::to_string(port) + ":80"}, [&] {
    for (int i = 0; i < 3; ++i) {
      UniqueFd client;
      while (!(client = connect_to({kLoopback, port}))) ::usleep(1000);
      (void)host::write_all(client.get(), "hi");
      ::shutdown(client.get(), SHUT_WR);
      answers.push_back(read_to_end(client.get()));
    }
  });
  CHECK(answers == std::vector<std::string>(3, "80 heard hi"));
  CHECK(done.status == 130);
  CHECK(done.out == "127.0.0.1:" + std::to_string(port) + " -> web:80\n");
  CHECK(done.err == "");
}

TEST_CASE("vm forward: JSON lists the listeners, and open connections do not delay the end") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
  daemon.answers["vm.tunnel"] = [](const Json&) -> Result<Json> { return Json::object(); };
  daemon.streams["vm.tunnel"] = [](int socket, const Json&) { read_to_end(socket); };
  auto port = free_port();
  UniqueFd client;
  auto done = run_interrupted(home, {"vm", "forward", "web", std::to_string(port) + ":80", "0:81", "--json"}, [&] {
    while (!(client = connect_to({kLoopback, port}))) ::usleep(1000);
    while (daemon.called("vm.tunnel") == 0) ::usleep(1000);
  });
  auto list = parse_json(done.out, 1 << 20);
  REQUIRE(list.has_value());
  REQUIRE(list->size() == 2);
  CHECK(list->at(0) == Json{{"address", "127.0.0.1"}, {"port", port}, {"vm", "web"}, {"guest_port", 80}});
  CHECK(list->at(1).at("port").get<int>() > 0);
}

TEST_CASE("vm forward: reports a guest's port without a listener, and resets the connection") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
  daemon.answers["vm.tunnel"] = [](const Json&) -> Result<Json> {
    return fail(ErrorCode::unavailable, "connect to localhost port 80 in the guest: Connection refused");
  };
  auto port = free_port();
  int error = 0;
  auto done = run_interrupted(home, {"vm", "forward", "web", std::to_string(port) + ":80"}, [&] {
    UniqueFd client;
    while (!(client = connect_to({kLoopback, port}))) ::usleep(1000);
    char byte;
    if (::read(client.get(), &byte, 1) < 0) error = errno;
  });
  CHECK(error == ECONNRESET);
  CHECK(contains(done.err, "Connection refused"));
}

TEST_CASE("vm forward: a tunnel that breaks resets the connection") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
  daemon.answers["vm.tunnel"] = [](const Json&) -> Result<Json> { return Json::object(); };
  daemon.streams["vm.tunnel"] = [](int socket, const Json&) { read_to_end(socket); };
  auto port = free_port();
  int error = 0;
  auto done = run_interrupted(home, {"vm", "forward", "web", std::to_string(port) + ":80"}, [&] {
    UniqueFd client;
    while (!(client = connect_to({kLoopback, port}))) ::usleep(1000);
    ::shutdown(client.get(), SHUT_WR);
    char byte;
    if (::read(client.get(), &byte, 1) < 0) error = errno;
  });
  CHECK(error == ECONNRESET);
  CHECK(done.err == "");
}

TEST_CASE("vm forward: more connections than the limit wait, and the user learns of it once") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
  daemon.answers["vm.tunnel"] = [](const Json&) -> Result<Json> { return Json::object(); };
  daemon.streams["vm.tunnel"] = [](int socket, const Json&) {
    (void)host::write_all(socket, rpc::encode_chunk(read_to_end(socket)) + rpc::encode_chunk({}));
  };
  auto port = free_port();
  std::size_t answered = 0;
  auto done = run_interrupted(home, {"vm", "forward", "web", std::to_string(port) + ":80"}, [&] {
    std::vector<UniqueFd> clients;
    while (clients.size() < limits::kForwardedConnections + 3)
      if (auto client = connect_to({kLoopback, port})) clients.push_back(std::move(client));
    while (daemon.called("vm.tunnel") < static_cast<int>(limits::kForwardedConnections)) ::usleep(1000);
    for (auto& client : clients) {
      (void)host::write_all(client.get(), "hi");
      ::shutdown(client.get(), SHUT_WR);
      answered += read_to_end(client.get()) == "hi";
    }
  });
  CHECK(answered == limits::kForwardedConnections + 3);
  CHECK(done.err == fmt::format("banger: {} connections are open, which is the limit; later ones wait\n",
                                limits::kForwardedConnections));
}

TEST_CASE("vm forward: a connection of another user is reset, unless the config lets all users connect") {
  if (::geteuid() != 0) {
    printf("SKIPPED: vm forward: a connection of another user: only root can be another user\n");
    return;
  }
  for (bool all : {false, true}) {
    test::Home home;
    test::FakeDaemon daemon(home);
    daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
    daemon.answers["vm.tunnel"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.tunnel"] = [](int socket, const Json&) {
      (void)host::write_all(socket, rpc::encode_chunk("hello") + rpc::encode_chunk({}));
      read_to_end(socket);
    };
    REQUIRE(host::make_directories(home.path() + "/.config/banger", 0700));
    REQUIRE(host::write_file(home.path() + "/.config/banger/config.toml", all ? "forward_clients = \"all\"\n" : ""));
    auto port = free_port();
    std::string heard;
    int error = 0;
    auto done = run_interrupted(home, {"vm", "forward", "web", std::to_string(port) + ":80"}, [&] {
      ::setfsuid(4711);  // of this thread only
      UniqueFd client;
      while (!(client = connect_to({kLoopback, port}))) ::usleep(1000);
      ::setfsuid(0);
      ::shutdown(client.get(), SHUT_WR);
      heard = read_to_end(client.get());
      error = errno;
    });
    CHECK(heard == (all ? "hello" : ""));
    CHECK((all || error == ECONNRESET));
    CHECK(contains(done.err, "was refused: only your own processes may connect") == !all);
  }
}

TEST_CASE("vm forward: ends with an error when nobody can learn where it listens") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
  auto full = host::open_file("/dev/full", O_WRONLY);
  REQUIRE(full.has_value());
  home.out = full->get();
  auto done = home.run({"vm", "forward", "web", "0:80"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "write to standard output: No space left on device"));
}

TEST_CASE("vm forward: reports mistakes before it listens") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return test::vm_object("db", "stopped"); };
  auto stopped = home.run({"vm", "forward", "db", "80"});
  CHECK(stopped.status == 125);
  CHECK(contains(stopped.err, "vm 'db' is stopped"));
  CHECK(contains(stopped.err, "banger vm start db"));
  CHECK(home.run({"vm", "forward", "db", "nonsense"}).status == 2);
  CHECK(home.run({"vm", "forward", "db", "80", "--address", "::1"}).status == 2);
  CHECK(home.run({"vm", "forward", "db"}).status == 2);
}

// Parsing a guest's untrusted list of ports, and forwarding these ports.
#include "engine/reach/forwards.h"

#include <fmt/format.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"
#include "engine/bounds.h"
#include "engine/fixture.h"
#include "engine/reach/reach.h"
#include "engine/reach/tcp_client.h"

using namespace banger;
using namespace banger::engine;
using test::HeldPort;

TEST_CASE("forwards: each port of the guest has the target that reaches it inside the guest") {
  auto ports = parse_guest_ports(
      R"({"ports":[{"address":"0.0.0.0","port":22},{"address":"::","port":80},{"address":"127.0.0.1","port":631},
      {"address":"10.0.2.15","port":7000},{"address":"fe80::1","port":7001},{"address":"127.0.0.53","port":53}]})");
  REQUIRE(ports.has_value());
  CHECK(*ports == GuestPorts{{22, {"localhost:22"}},
                             {53, {"127.0.0.53:53", true}},
                             {80, {"localhost:80"}},
                             {631, {"localhost:631", true}},
                             {7000, {"10.0.2.15:7000"}},
                             {7001, {"[fe80::1]:7001"}}});
}

TEST_CASE("forwards: a port on several addresses is reached through the guest's loopback, if it can be") {
  for (auto text : {R"({"ports":[{"address":"10.0.2.15","port":80},{"address":"0.0.0.0","port":80}]})",
                    R"({"ports":[{"address":"0.0.0.0","port":80},{"address":"10.0.2.15","port":80}]})"})
    CHECK(parse_guest_ports(text) == GuestPorts{{80, {"localhost:80"}}});
}

TEST_CASE("forwards: a listener on loopback is not reached because of another listener on its port") {
  auto target = [](std::string_view one, std::string_view other) {
    auto ports = parse_guest_ports(
        fmt::format(R"({{"ports":[{{"address":"{}","port":80}},{{"address":"{}","port":80}}]}})", one, other));
    REQUIRE(ports.has_value());
    return ports->at(80);
  };
  CHECK(target("127.0.0.1", "10.0.2.15") == GuestPort{"10.0.2.15:80"});
  CHECK(target("10.0.2.15", "127.0.0.1") == GuestPort{"10.0.2.15:80"});
  CHECK(target("127.0.0.1", "::") == GuestPort{"[::1]:80"});
  CHECK(target("::1", "0.0.0.0") == GuestPort{"127.0.0.1:80"});
  CHECK(target("127.0.0.1", "::1") == GuestPort{"localhost:80", true});
  CHECK(target("::ffff:127.0.0.1", "127.0.0.2") == GuestPort{"[::ffff:127.0.0.1]:80", true});
}

TEST_CASE("forwards: malformed rows are skipped") {
  auto ports = parse_guest_ports(
      R"({"ports":[{"address":"0.0.0.0","port":0},{"address":"0.0.0.0","port":65536},{"address":"0.0.0.0","port":-1},
      {"address":"x\r\ny","port":1},{"address":"","port":2},{"address":7,"port":3},{"port":4},)"
      R"({"address":"::"},7,null,{"address":"::","port":5}]})");
  CHECK(ports == GuestPorts{{5, {"localhost:5"}}});
}

TEST_CASE("forwards: anything other than a list of ports is refused") {
  for (auto text : {"", "{", "[]", "7", "{}", R"({"ports":7})", R"({"ports":{}})"}) {
    INFO(text);
    CHECK_FALSE(parse_guest_ports(text).has_value());
  }
}

TEST_CASE("forwards: of too many ports, the lowest are kept") {
  std::string text;
  for (int port = 2000; port > 1000; --port)
    text += fmt::format(R"({}{{"address":"::","port":{}}})", text.empty() ? "" : ",", port);
  auto ports = parse_guest_ports("{\"ports\":[" + text + "]}");
  REQUIRE(ports.has_value());
  CHECK(ports->size() == limits::kForwardPorts);
  CHECK(ports->begin()->first == 1001);
  CHECK(ports->rbegin()->first == 1000 + limits::kForwardPorts);
}

namespace {

/// A running VM. Its guest listens on one port.
struct Fixture : test::Fixture {
  Fixture() {
    port = test::free_port();
    box = running();
    listen_on("0.0.0.0");
  }
  test::FakeGuest& guest() { return *host.of(box->record().id())->guest; }
  /// Starts anew, for processes of `owner`.
  void watch_for(uid_t owner) {
    forwards = std::make_unique<Forwards>(daemon->services, owner);
    watch();
  }
  void watch() {
    forwards->watch(box);
    auto wait = [](Forwards& all, VmOwner& vm, std::uint16_t number) -> Task<bool> {
      co_await all.wait_for(vm, {number}, host::after(std::chrono::minutes(1)));
      co_return true;
    };
    run(wait(*forwards, *box, port));
  }
  void listen_on(std::string_view address) {
    guest().answers["/listening"] = fmt::format(R"({{"ports":[{{"address":"{}","port":{}}}]}})", address, port) + "\n";
  }
  /// A connection of this process to the forwarded port.
  UniqueFd connect() const { return test::connect_to(forwards->of(*box).at(port).at); }
  void say(const UniqueFd& client, std::string_view words) { test::say(*this, client, words); }
  std::string heard(const UniqueFd& client, std::size_t count) { return test::heard(*this, client, count); }
  int ending(const UniqueFd& client) { return test::ending(*this, client); }
  std::size_t tunnels() const {
    auto steps = log.steps();
    return static_cast<std::size_t>(std::ranges::count(steps, fmt::format("agent localhost:{}", port)));
  }

  std::uint16_t port = 0;
  std::shared_ptr<VmOwner> box;
  std::unique_ptr<Forwards> forwards = std::make_unique<Forwards>(daemon->services);
};

}  // namespace

TEST_CASE("forwards: the host listens on a guest's port at the VM's own address while the VM runs") {
  Fixture f;
  f.watch();
  auto ports = f.forwards->of(*f.box);
  REQUIRE(ports.size() == 1);
  CHECK(ports.at(f.port).at.address == address_of(*f.box)->address);
  CHECK(ports.at(f.port).at.port == f.port);
  REQUIRE(f.run(f.box->kill()));
  CHECK(f.run_until([&] { return f.forwards->of(*f.box).empty(); }));
  HeldPort free_again(INADDR_LOOPBACK, f.port);
}

TEST_CASE("forwards: a connection to a port of a suspended VM wakes the VM") {
  Fixture f;
  f.watch();
  REQUIRE(f.suspend(*f.box));
  f.run(f.daemon->runtime.sleep_for(std::chrono::milliseconds(5)));
  REQUIRE(f.forwards->of(*f.box).size() == 1);
  auto client = f.connect();
  f.say(client, "hi");
  ::shutdown(client.get(), SHUT_WR);
  CHECK(f.heard(client, 100) == "hi");
  CHECK(f.box->state() == vm::State::running);
}

TEST_CASE("forwards: a suspended VM has no open ports if no connection may wake it") {
  Fixture f;
  f.config.auto_wake = false;
  f.watch();
  REQUIRE(f.suspend(*f.box));
  CHECK(f.run_until([&] { return f.forwards->of(*f.box).empty(); }));
}

TEST_CASE("forwards: a port that another program uses on this host is reported with a hint") {
  Fixture f;
  HeldPort held(address_of(*f.box)->address, f.port);
  f.watch();
  auto ports = f.forwards->of(*f.box);
  REQUIRE(ports.size() == 1);
  CHECK(ports.at(f.port).at.port == 0);
  CHECK(ports.at(f.port).problem.message == "another program on this host listens there");
  CHECK(ports.at(f.port).problem.hint.starts_with("banger vm forward box "));
}

TEST_CASE("forwards: who asks for a port that failed gets it when the other program has ended") {
  Fixture f;
  {
    HeldPort held(address_of(*f.box)->address, f.port);
    f.watch();
    CHECK(f.run(f.forwards->wait_for(*f.box, {f.port}, host::after(std::chrono::minutes(1)))));
    CHECK(f.forwards->of(*f.box).at(f.port).at.port == 0);
  }
  CHECK(f.run(f.forwards->wait_for(*f.box, {f.port}, host::after(std::chrono::minutes(1)))));
  CHECK(f.forwards->of(*f.box).at(f.port).at.port == f.port);
  CHECK(f.forwards->of(*f.box).at(f.port).problem.message.empty());
}

TEST_CASE("forwards: nothing is forwarded when the config disables forwards") {
  Fixture f;
  f.config.auto_forward = false;
  f.watch();
  CHECK(f.forwards->of(*f.box).empty());
  CHECK_FALSE(f.log.has("agent /listening"));
}

TEST_CASE("forwards: what a guest serves on its loopback only is not forwarded unless the config asks for it") {
  for (bool asked : {false, true}) {
    Fixture f;
    f.config.forward_loopback = asked;
    f.listen_on("127.0.0.1");
    f.watch();
    auto ports = f.forwards->of(*f.box);
    REQUIRE(ports.size() == 1);
    CHECK((ports.at(f.port).at.port == f.port) == asked);
    if (asked) continue;
    CHECK(ports.at(f.port).problem.message == "the guest listens on its loopback address only");
    CHECK(ports.at(f.port).problem.hint ==
          fmt::format("banger vm forward box {}:{}, or forward_loopback = true in the config", f.port, f.port));
  }
}

TEST_CASE("forwards: a process of the owner reaches the guest, and each direction ends by itself") {
  Fixture f;
  f.watch();
  auto client = f.connect();
  f.say(client, "hi");
  ::shutdown(client.get(), SHUT_WR);
  CHECK(f.heard(client, 100) == "hi");
  CHECK(f.ending(client) == 0);
}

TEST_CASE("forwards: a connection that breaks with its VM is reset, also after its own end") {
  for (bool half_closed : {false, true}) {
    Fixture f;
    f.guest().keeps_tunnels_open = true;
    f.watch();
    auto client = f.connect();
    f.say(client, "hi");
    if (half_closed) ::shutdown(client.get(), SHUT_WR);
    CHECK(f.heard(client, 2) == "hi");
    REQUIRE(f.run(f.box->kill()));
    CHECK(f.ending(client) == ECONNRESET);
  }
}

TEST_CASE("forwards: a process of another user is refused, unless the config lets all users connect") {
  bool root = ::geteuid() == 0;
  for (auto clients : {config::ForwardClients::owner, config::ForwardClients::all}) {
    bool all = clients == config::ForwardClients::all;
    Fixture f;
    f.config.forward_clients = clients;
    f.watch_for(root ? 0 : ::geteuid() + 1);
    if (root) ::setfsuid(4711);
    auto client = f.connect();
    if (root) ::setfsuid(0);
    f.say(client, "hi");
    ::shutdown(client.get(), SHUT_WR);
    CHECK(f.heard(client, 100) == (all ? "hi" : ""));
    CHECK(f.tunnels() == (all ? 1u : 0u));
  }
}

TEST_CASE("forwards: connections beyond the limit wait for others to end, and the list of ports has the limit") {
  Fixture f;
  f.watch();
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < limits::kForwardConnections + 3; ++i) clients.push_back(f.connect());
  auto problem = [&] { return f.forwards->of(*f.box).at(f.port).problem.message; };
  REQUIRE(f.run_until([&] { return !problem().empty(); }));
  CHECK(problem() == fmt::format("{} connections are open, and later ones wait", limits::kForwardConnections));
  CHECK(f.run_until([&] { return f.tunnels() == limits::kForwardConnections; }));
  for (auto& client : clients) {
    f.say(client, "hi");
    ::shutdown(client.get(), SHUT_WR);
    CHECK(f.heard(client, 100) == "hi");
  }
  CHECK(problem() == "");
  CHECK(f.tunnels() == clients.size());
}

// Parsing a guest's untrusted list of ports, and forwarding these ports.
#include "engine/reach/forwards.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "catch.h"
#include "engine/bounds.h"
#include "engine/fixture.h"
#include "engine/reach/reach.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("forwards: each port of the guest has the target that reaches it inside the guest") {
  auto ports = parse_guest_ports(
      R"({"ports":[{"address":"0.0.0.0","port":22},{"address":"::","port":80},{"address":"127.0.0.1","port":631},
      {"address":"10.0.2.15","port":7000},{"address":"fe80::1","port":7001},{"address":"127.0.0.53","port":53}]})");
  REQUIRE(ports.has_value());
  CHECK(*ports == GuestPorts{{22, "localhost:22"},
                             {53, "127.0.0.53:53"},
                             {80, "localhost:80"},
                             {631, "localhost:631"},
                             {7000, "10.0.2.15:7000"},
                             {7001, "[fe80::1]:7001"}});
}

TEST_CASE("forwards: a port on several addresses is reached through the guest's loopback, if it can be") {
  for (auto text : {R"({"ports":[{"address":"10.0.2.15","port":80},{"address":"0.0.0.0","port":80}]})",
                    R"({"ports":[{"address":"0.0.0.0","port":80},{"address":"10.0.2.15","port":80}]})"})
    CHECK(parse_guest_ports(text) == GuestPorts{{80, "localhost:80"}});
}

TEST_CASE("forwards: malformed rows are skipped") {
  auto ports = parse_guest_ports(
      R"({"ports":[{"address":"0.0.0.0","port":0},{"address":"0.0.0.0","port":65536},{"address":"0.0.0.0","port":-1},
      {"address":"x\r\ny","port":1},{"address":"","port":2},{"address":7,"port":3},{"port":4},)"
      R"({"address":"::"},7,null,{"address":"::","port":5}]})");
  CHECK(ports == GuestPorts{{5, "localhost:5"}});
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

/// Occupies a port on an address of the host. The first port is one that is free on all addresses.
struct HeldPort {
  explicit HeldPort(host::Ipv4 address = INADDR_ANY, std::uint16_t port = 0)
      : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}, .sin_zero = {}};
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    number = ntohs(at.sin_port);
  }
  UniqueFd socket;
  std::uint16_t number;
};

/// A running VM. Its guest listens on one port.
struct Fixture : test::Fixture {
  Fixture() {
    HeldPort held;
    port = held.number;
    box = running();
    guest().answers["/listening"] = fmt::format(R"({{"ports":[{{"address":"0.0.0.0","port":{}}}]}})", port) + "\n";
  }
  test::FakeGuest& guest() { return *host.of(box->record().id())->guest; }
  void watch() {
    forwards.watch(box);
    auto wait = [](Forwards& all, VmOwner& vm, std::uint16_t number) -> Task<bool> {
      co_await all.wait_for(vm, {number}, host::after(std::chrono::minutes(1)));
      co_return true;
    };
    run(wait(forwards, *box, port));
  }

  std::uint16_t port = 0;
  std::shared_ptr<VmOwner> box;
  Forwards forwards{daemon->services};
};

}  // namespace

TEST_CASE("forwards: the host listens on a guest's port at the VM's own address while the VM runs") {
  Fixture f;
  f.watch();
  auto ports = f.forwards.of(*f.box);
  REQUIRE(ports.size() == 1);
  CHECK(ports.at(f.port).at.address == address_of(*f.box)->address);
  CHECK(ports.at(f.port).at.port == f.port);
  REQUIRE(f.run(f.box->kill()));
  CHECK(f.run_until([&] { return f.forwards.of(*f.box).empty(); }));
  HeldPort free_again(INADDR_LOOPBACK, f.port);
}

TEST_CASE("forwards: a port that another program uses on this host is reported with a hint") {
  Fixture f;
  HeldPort held(address_of(*f.box)->address, f.port);
  f.watch();
  auto ports = f.forwards.of(*f.box);
  REQUIRE(ports.size() == 1);
  CHECK(ports.at(f.port).at.port == 0);
  CHECK(ports.at(f.port).why_not.message == "another program on this host listens there");
  CHECK(ports.at(f.port).why_not.hint.starts_with("banger vm forward box "));
}

TEST_CASE("forwards: nothing is forwarded when the config disables forwards") {
  Fixture f;
  f.config.auto_forward = false;
  f.watch();
  CHECK(f.forwards.of(*f.box).empty());
  CHECK_FALSE(f.log.has("agent /listening"));
}

// Names of VMs over real DNS: which names have an address, and the line in doctor.
#include "engine/reach/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/reach/reach.h"
#include "net/dns_wire.h"

using namespace banger;
using namespace banger::engine;

namespace {

/// A UDP socket on a free port of the loopback address.
struct Port {
  Port() : socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  }
  std::string text() const { return "127.0.0.1:" + std::to_string(ntohs(at.sin_port)); }

  UniqueFd socket;
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
};

struct Fixture : test::Fixture {
  VmRegistry registry{daemon->services};
  std::vector<host::Endpoint> resolvers;  ///< the host's
  Dns dns{daemon->services, registry, [this] { return resolvers; }};

  std::shared_ptr<VmOwner> add(std::shared_ptr<VmOwner> vm) {
    registry.add(vm);
    return vm;
  }
  /// Starts the server on a port that was free a moment ago.
  Port listen() {
    Port port;
    config.dns_listen_addr = port.text();
    port.socket.reset();
    daemon->runtime.spawn(dns.run());
    REQUIRE(run_until([this] { return dns.check().detail.starts_with("answers"); }));
    return port;
  }
  dns_wire::Answer ask(const Port& server, const std::string& name) {
    Port client;
    auto query = dns_wire::query({.name = name});
    REQUIRE(::sendto(client.socket.get(), query.data(), query.size(), 0, reinterpret_cast<const sockaddr*>(&server.at),
                     sizeof server.at) == static_cast<ssize_t>(query.size()));
    char buffer[512];
    ssize_t got = -1;
    REQUIRE(run_until([&] {
      if (got <= 0) got = ::recv(client.socket.get(), buffer, sizeof buffer, 0);
      return got > 0;
    }));
    return dns_wire::parse({buffer, static_cast<std::size_t>(got)});
  }
};

}  // namespace

TEST_CASE("dns: the name and the id of a running VM have the address of the VM") {
  Fixture f;
  auto vm = f.add(f.running("web"));
  auto server = f.listen();
  auto answer = f.ask(server, "web.vm");
  REQUIRE(answer.counts[1] == 1);
  auto address = htonl(address_of(*vm)->address);
  CHECK(answer.records.at(1).data == std::string(reinterpret_cast<const char*>(&address), 4));
  CHECK(f.ask(server, vm->record().id() + ".vm").counts[1] == 1);
}

TEST_CASE("dns: a stopped VM and the start of an id have no address") {
  Fixture f;
  auto vm = f.add(f.stopped("web"));
  auto server = f.listen();
  CHECK(f.ask(server, "web.vm").counts[1] == 0);
  REQUIRE(f.start(*vm));
  CHECK(f.ask(server, "web.vm").counts[1] == 1);
  CHECK(f.ask(server, vm->record().id().substr(0, 6) + ".vm").counts[1] == 0);
}

TEST_CASE("dns: without an address in the config there are no names, and doctor passes") {
  Fixture f;
  f.config.dns_listen_addr = "";
  auto run = [](Dns& dns) -> Task<bool> {
    co_await dns.run();
    co_return true;
  };
  CHECK(f.run(run(f.dns)));
  CHECK(f.dns.check().status == CheckStatus::pass);
}

TEST_CASE("dns: an address that another program uses is a warning with a hint") {
  Fixture f;
  Port taken;
  f.config.dns_listen_addr = taken.text();
  f.daemon->runtime.spawn(f.dns.run());
  REQUIRE(f.run_until([&] { return !f.dns.check().detail.ends_with(": "); }));
  auto check = f.dns.check();
  CHECK(check.status == CheckStatus::warn);
  CHECK(check.hint.find("dns_listen_addr") != std::string::npos);
}

TEST_CASE("dns: the host knows a VM's name if its resolver has the address from this server") {
  Fixture f;
  auto vm = f.add(f.running("web"));
  CHECK_FALSE(f.run(f.dns.is_known_to_host(vm)));
  auto server = f.listen();
  CHECK_FALSE(f.run(f.dns.is_known_to_host(vm)));
  // Here the host's resolver is the server itself.
  f.resolvers = {{INADDR_LOOPBACK, ntohs(server.at.sin_port)}};
  CHECK(f.run(f.dns.is_known_to_host(vm)));
}

TEST_CASE("dns: the host does not know a VM when nothing answers at its resolver's address") {
  Fixture f;
  auto vm = f.add(f.running("web"));
  auto server = f.listen();
  f.resolvers = {{INADDR_LOOPBACK, 1}};
  CHECK_FALSE(f.run(f.dns.is_known_to_host(vm)));
}

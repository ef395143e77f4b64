// The server over real sockets, asked by a client that does not share its code.
#include "net/dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"
#include "catch.h"
#include "dns_wire.h"
#include "net/bounds.h"

using namespace banger;

namespace {

constexpr host::Ipv4 kLoopback = 0x7f000001;

struct Fixture {
  host::Runtime runtime;
  std::unique_ptr<net::DnsServer> server;
  std::thread loop;

  Fixture() {
    auto made = net::serve_dns(runtime, {kLoopback, 0}, [](std::string_view label) -> std::optional<host::Ipv4> {
      if (label == "web") return 0x7f400001;
      return std::nullopt;
    });
    REQUIRE(made.has_value());
    server = std::move(*made);
    loop = std::thread([this] { runtime.run(); });
  }
  ~Fixture() {
    runtime.stop();
    loop.join();
  }
  UniqueFd connect(int type) const {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in to{.sin_family = AF_INET,
                   .sin_port = htons(server->endpoint().port),
                   .sin_addr = {htonl(kLoopback)},
                   .sin_zero = {}};
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return fd;
  }
};

void send(const UniqueFd& fd, const std::string& bytes) {
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

// Empty at the end of the stream. A server that sends nothing at all fails the test.
std::string receive(const UniqueFd& fd) {
  pollfd waiting{fd.get(), POLLIN, 0};
  REQUIRE(::poll(&waiting, 1, 30'000) == 1);
  char buffer[4096];
  auto got = ::recv(fd.get(), buffer, sizeof buffer, 0);
  return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

std::string framed(const std::string& message) {
  return dns_wire::u16(static_cast<unsigned>(message.size())) + message;
}

std::string receive_framed(const UniqueFd& fd, std::string& buffer) {
  for (;;) {
    std::size_t size = buffer.size() < 2 ? 0
                                         : std::size_t{static_cast<unsigned char>(buffer[0])} << 8 |
                                               static_cast<unsigned char>(buffer[1]);
    if (buffer.size() >= 2 && buffer.size() >= 2 + size) {
      auto message = buffer.substr(2, size);
      buffer.erase(0, 2 + size);
      return message;
    }
    auto more = receive(fd);
    if (more.empty()) return "";
    buffer += more;
  }
}

}  // namespace

TEST_CASE("dns server: many datagrams at once each get their own answer") {
  Fixture fixture;
  auto client = fixture.connect(SOCK_DGRAM);
  constexpr unsigned kMany = 3 * limits::kDnsBatch;
  for (unsigned id = 0; id < kMany; ++id)
    send(client, dns_wire::query({.name = id % 2 ? "web.vm" : "no.vm", .id = id}));
  for (unsigned i = 0; i < kMany; ++i) {
    auto answer = dns_wire::parse(receive(client));
    CHECK(answer.whole);
    CHECK(answer.id == i);
    CHECK(answer.rcode() == (i % 2 ? 0 : 3));
  }
}

TEST_CASE("dns server: a message that is too long or no question gets no answer, and does no harm") {
  Fixture fixture;
  auto client = fixture.connect(SOCK_DGRAM);
  send(client, std::string(limits::kDnsMessageBytes + 1, 'x'));
  send(client, "x");
  send(client, dns_wire::query({.name = "web.vm", .flags = 0x8000}));
  send(client, dns_wire::query({.name = "web.vm", .id = 9}));
  CHECK(dns_wire::parse(receive(client)).id == 9);
}

TEST_CASE("dns server: TCP takes several questions on a connection, in any pieces") {
  Fixture fixture;
  auto client = fixture.connect(SOCK_STREAM);
  auto bytes =
      framed(dns_wire::query({.name = "web.vm", .id = 1})) + framed(dns_wire::query({.name = "no.vm", .id = 2}));
  for (char c : bytes) send(client, std::string(1, c));
  std::string buffer;
  CHECK(dns_wire::parse(receive_framed(client, buffer)).id == 1);
  CHECK(dns_wire::parse(receive_framed(client, buffer)).id == 2);
  send(client, framed(dns_wire::query({.name = "web.vm", .id = 3})));
  CHECK(dns_wire::parse(receive_framed(client, buffer)).rcode() == 0);
}

TEST_CASE("dns server: a TCP message that is too long ends its connection") {
  Fixture fixture;
  auto client = fixture.connect(SOCK_STREAM);
  send(client, dns_wire::u16(limits::kDnsMessageBytes + 1) + "x");
  CHECK(receive(client).empty());
}

TEST_CASE("dns server: a TCP connection that sends no whole question is closed in time") {
  Fixture fixture;
  auto client = fixture.connect(SOCK_STREAM);
  send(client, std::string("\0", 1));
  CHECK(receive(client).empty());
}

TEST_CASE("dns server: more TCP connections than it takes are closed at once, the others are served") {
  Fixture fixture;
  std::vector<UniqueFd> clients;
  std::string buffer;
  for (int i = 0; i < limits::kDnsTcpConnections; ++i) {
    clients.push_back(fixture.connect(SOCK_STREAM));
    send(clients.back(), framed(dns_wire::query({.name = "web.vm"})));
    CHECK_FALSE(receive_framed(clients.back(), buffer).empty());
  }
  CHECK(receive(fixture.connect(SOCK_STREAM)).empty());
  send(clients.front(), framed(dns_wire::query({.name = "web.vm"})));
  CHECK_FALSE(receive_framed(clients.front(), buffer).empty());
}

TEST_CASE("dns server: a port that is in use by either protocol is an error") {
  Fixture fixture;
  auto again =
      net::serve_dns(fixture.runtime, fixture.server->endpoint(), [](std::string_view) { return std::nullopt; });
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == ErrorCode::busy);

  UniqueFd only_udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(kLoopback)}, .sin_zero = {}};
  socklen_t size = sizeof at;
  REQUIRE(::bind(only_udp.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(::getsockname(only_udp.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  auto half =
      net::serve_dns(fixture.runtime, {kLoopback, ntohs(at.sin_port)}, [](std::string_view) { return std::nullopt; });
  REQUIRE_FALSE(half.has_value());
  CHECK(half.error().code == ErrorCode::busy);
}

TEST_CASE("dns server: its port is free once it is gone") {
  host::Runtime runtime;
  auto nobody = [](std::string_view) { return std::nullopt; };
  auto first = net::serve_dns(runtime, {kLoopback, 0}, nobody);
  REQUIRE(first.has_value());
  auto where = (*first)->endpoint();
  first->reset();
  runtime.run();  // ends: nothing waits any more
  CHECK(net::serve_dns(runtime, where, nobody).has_value());
}

// Which user is at the other end of a connection: asked of this kernel, and read from tables as other kernels print
// them.
#include "net/peer.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "catch.h"
#include "host/files.h"

using namespace banger;

namespace {

/// A connection over loopback with both ends in this process.
struct Connection {
  explicit Connection(int family = AF_INET)
      : listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        client(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof at;
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listener.get(), 4) == 0);
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    if (family == AF_INET) {
      REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    } else {
      sockaddr_in6 mapped{};
      mapped.sin6_family = AF_INET6;
      mapped.sin6_port = at.sin_port;
      REQUIRE(::inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr) == 1);
      REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&mapped), sizeof mapped) == 0);
    }
    accepted = UniqueFd(::accept(listener.get(), nullptr, nullptr));
    REQUIRE(accepted);
  }
  net::TcpEnds ends() const {
    auto found = net::ends_of(accepted.get());
    REQUIRE(found.has_value());
    return *found;
  }
  UniqueFd listener, client, accepted;
};

constexpr net::TcpEnds kEnds{.here = {0x7f400003, 8000}, .there = {0x7f000001, 40000}};

std::string table(std::string_view local, std::string_view remote, std::string_view rest) {
  return "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
         "   0: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 7 1\n"
         "   1: " +
         std::string(local) + " " + std::string(remote) + " 01 00000000:00000000 00:00000000 00000000 " +
         std::string(rest) + "\n";
}

}  // namespace

TEST_CASE("peer: a connection of this process comes from this process's user") {
  Connection connection;
  CHECK(net::peer_uid(connection.ends()) == ::geteuid());
  CHECK(net::is_peer_of(connection.accepted.get(), ::geteuid()));
  CHECK(net::is_peer_of(connection.accepted.get(), ::geteuid() + 1) == (::geteuid() == 0));
}

TEST_CASE("peer: an IPv6 socket that connects over IPv4 is found") {
  UniqueFd six(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!six) {
    printf("SKIPPED: peer, IPv6: this host has no IPv6\n");
    return;
  }
  Connection connection(AF_INET6);
  CHECK(net::peer_uid(connection.ends()) == ::geteuid());
}

TEST_CASE("peer: a client that has closed its socket is nobody, not root") {
  Connection connection;
  REQUIRE(::write(connection.client.get(), "x", 1) == 1);
  connection.client.reset();
  CHECK_FALSE(net::peer_uid(connection.ends()).has_value());
  CHECK_FALSE(net::is_peer_of(connection.accepted.get(), ::geteuid()));
}

TEST_CASE("peer: a listener on the port of a client that has gone is not the client") {
  Connection connection;
  // Nothing is connected from the port that listens.
  CHECK_FALSE(net::peer_uid({.here = {INADDR_LOOPBACK, 1}, .there = connection.ends().here}).has_value());
}

TEST_CASE("peer: the table of this kernel has the same answer") {
  Connection connection;
  auto text = host::read_file("/proc/net/tcp", 16 << 20);
  if (!text) {
    printf("SKIPPED: peer, table: this host has no /proc/net/tcp\n");
    return;
  }
  CHECK(net::find_peer(*text, connection.ends()) == ::geteuid());
}

TEST_CASE("peer: the tables have the user in the row of the connection") {
  CHECK(net::find_peer(table("0100007F:9C40", "0300407F:1F40", "  1000        0 4711 1"), kEnds) == 1000);
  CHECK(net::find_peer(table("0000000000000000FFFF00000100007F:9C40", "0000000000000000FFFF00000300407F:1F40",
                             "  1000        0 4711 1"),
                       kEnds) == 1000);
}

TEST_CASE("peer: a row without an inode, of other ends or cut short is nobody") {
  CHECK_FALSE(net::find_peer(table("0100007F:9C40", "0300407F:1F40", "     0        0 0 3"), kEnds));
  CHECK_FALSE(net::find_peer(table("0300407F:1F40", "0100007F:9C40", "  1000        0 4711 1"), kEnds));
  CHECK_FALSE(net::find_peer("   1: 0100007F:9C40 0300407F:1F40 01", kEnds));
  CHECK_FALSE(net::find_peer("", kEnds));
}

#include "net/gate_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "catch.h"

using namespace banger;
using namespace banger::net;

namespace {

int option_of(const UniqueFd& socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("gate sockets: each has a port of its own, and those for TCP listen") {
  auto sockets = open_gate_sockets(0x7f400002);
  REQUIRE(sockets);
  auto ports = ports_of(*sockets);
  REQUIRE(ports);
  CHECK(ports->tcp != ports->names_tcp);
  // The helper takes no port of a service of the host.
  for (auto port : {ports->tcp, ports->names_udp, ports->names_tcp}) CHECK(port >= 1024);
  CHECK(option_of(sockets->tcp, SO_ACCEPTCONN) == 1);
  CHECK(option_of(sockets->names.tcp, SO_ACCEPTCONN) == 1);
  CHECK(option_of(sockets->names.udp, SO_TYPE) == SOCK_DGRAM);
  for (const auto* socket : {&sockets->tcp, &sockets->names.udp, &sockets->names.tcp})
    CHECK((::fcntl(socket->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("gate sockets: an address that this host lacks is an error, and so are sockets without ports") {
  CHECK_FALSE(open_gate_sockets(0xc0000201));  // for examples only
  auto sockets = open_gate_sockets(0x7f400002);
  REQUIRE(sockets);
  sockets->names.udp = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK_FALSE(ports_of(*sockets));
  sockets->names.udp = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK_FALSE(ports_of(*sockets));
}

#include "roles/agent/listeners.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "catch.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

constexpr const char* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 20001 1 0000 100 0 0 "
    "10 0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20002 1 0000 100 0 0 "
    "10 0\n"
    "   2: 0F02000A:0016 0202000A:C350 01 00000000:00000000 02:00000000 00000000     0        0 20003 4 0000 20 4 31 "
    "10 -1\n"
    "   3: nonsense\n";
constexpr const char* kTcp6 =
    "  sl  local_address                         remote_address                        st tx_queue …\n"
    "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000     0        0 20004 1 0000 100 0 0 10 0\n"
    "   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000     0        0 20005 1 0000 100 0 0 10 0\n";

// A socket on a port the kernel chooses.
struct Bound {
  UniqueFd fd;
  std::uint16_t port = 0;
};

Bound bind_to(int family, int type, std::uint16_t port) {
  Bound bound{UniqueFd(::socket(family, type | SOCK_CLOEXEC, 0))};
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
  auto* address = family == AF_INET ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
  if (!bound.fd || ::bind(bound.fd.get(), address, size) < 0) return {};
  if (type == SOCK_STREAM) ::listen(bound.fd.get(), 4);
  ::getsockname(bound.fd.get(), address, &size);
  bound.port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
  return bound;
}

std::vector<Listener> on_port(std::uint16_t port) {
  std::vector<Listener> found;
  for (auto& listener : find_listeners())
    if (listener.port == port) found.push_back(listener);
  return found;
}

}  // namespace

TEST_CASE("listeners: reads addresses, ports and inodes of listening sockets") {
  auto rows = parse_socket_table("tcp", kTcp);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].address == "127.0.0.1");
  CHECK(rows[0].port == 53);
  CHECK(rows[0].inode == 20001);
  CHECK(rows[1].address == "0.0.0.0");
  auto six = parse_socket_table("tcp", kTcp6);
  REQUIRE(six.size() == 2);
  CHECK(six[0].address == "::");
  CHECK(six[1].address == "127.0.0.1");
  CHECK(six[1].port == 8080);
}

TEST_CASE("listeners: a process's pair on IPv4 and IPv6 is one row, and rows of different processes stay apart") {
  std::vector<Listener> rows = {
      {.protocol = "tcp", .address = "::", .port = 22, .inode = 1, .pid = 7, .process = "sshd"},
      {.protocol = "tcp", .address = "0.0.0.0", .port = 22, .inode = 2, .pid = 7, .process = "sshd"},
      {.protocol = "tcp", .address = "::1", .port = 631, .inode = 3, .pid = 8, .process = "cupsd"},
      {.protocol = "tcp", .address = "127.0.0.1", .port = 631, .inode = 4, .pid = 8, .process = "cupsd"},
      {.protocol = "udp", .address = "0.0.0.0", .port = 22, .inode = 5, .pid = 9, .process = "other"},
      {.protocol = "tcp", .address = "10.0.0.1", .port = 22, .inode = 6, .pid = 9, .process = "other"},
      {.protocol = "tcp", .address = "::", .port = 8080, .inode = 7, .pid = 10, .process = "node"},
      {.protocol = "tcp", .address = "0.0.0.0", .port = 9000, .inode = 8, .pid = 11, .process = "worker"},
      {.protocol = "tcp", .address = "0.0.0.0", .port = 9000, .inode = 9, .pid = 12, .process = "worker"},
  };
  std::vector<std::string> shown;
  for (const auto& row : merge_listeners(rows))
    shown.push_back(row.protocol + " " + row.address + " " + std::to_string(row.port));
  CHECK(shown == std::vector<std::string>{"tcp 0.0.0.0 22", "tcp 10.0.0.1 22", "tcp 127.0.0.1 631", "tcp :: 8080",
                                          "tcp 0.0.0.0 9000", "udp 0.0.0.0 22"});
}

TEST_CASE("listeners: finds real sockets and the process that holds them") {
  auto tcp = bind_to(AF_INET, SOCK_STREAM, 0);
  REQUIRE(tcp.port != 0);
  auto rows = on_port(tcp.port);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].protocol == "tcp");
  CHECK(rows[0].address == "127.0.0.1");
  CHECK(rows[0].pid == ::getpid());
  CHECK(rows[0].process == "unit_agent");
  CHECK(rows[0].command.find("unit_agent") != std::string::npos);

  auto udp = bind_to(AF_INET, SOCK_DGRAM, 0);
  REQUIRE(udp.port != 0);
  bool found = false;
  for (const auto& row : on_port(udp.port)) found |= row.protocol == "udp" && row.pid == ::getpid();
  CHECK(found);
}

TEST_CASE("listeners: a real dual-stack pair is one row") {
  auto four = bind_to(AF_INET, SOCK_STREAM, 0);
  auto six = bind_to(AF_INET6, SOCK_STREAM, four.port);
  if (six.port == 0) return;  // a host without IPv6
  auto rows = on_port(four.port);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].address == "127.0.0.1");
}

// The guest's listening sockets and whose they are, from /proc/net/{tcp,tcp6,udp,udp6} and /proc/PID/fd (proc(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::roles::agent {

struct Listener {
  std::string protocol;  ///< "tcp" or "udp"
  std::string address;   ///< numeric; IPv4 mapped into IPv6 is shown as IPv4
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
  pid_t pid = 0;        ///< the lowest that holds it; 0 when nobody does (a socket of the kernel)
  std::string process;  ///< its name
  std::string command;  ///< its command line, arguments apart by spaces; printable
};

/// One of the four files. TCP: those that listen. UDP: those that are not connected. Malformed lines are skipped.
std::vector<Listener> parse_socket_table(std::string_view protocol, std::string_view text);

/// Sorted by protocol, port and address, each service once: a pair of sockets of one process for IPv4 and IPv6 ("any"
/// or loopback both times) is one row, the IPv4 one; so are several sockets on the same address.
std::vector<Listener> merge_listeners(std::vector<Listener> listeners);

/// Where this guest takes TCP connections, without whose sockets they are: cheap enough to be asked every second.
std::vector<Listener> find_tcp_listeners();

/// All of this guest, at most limits::kPortRows. Reads all of /proc: run it on the pool.
std::vector<Listener> find_listeners();

}  // namespace banger::roles::agent

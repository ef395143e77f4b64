// The guest's listening sockets and their processes, from /proc/net/{tcp,tcp6,udp,udp6} and /proc/PID/fd (proc(5)).
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
  pid_t pid = 0;        ///< the lowest process that holds it; 0 when there is none (a socket of the kernel)
  std::string process;  ///< its name
  std::string command;  ///< its command line, with spaces between arguments; printable
};

/// One of the four files. For TCP, the listening sockets. For UDP, the unconnected ones. Malformed lines are skipped.
std::vector<Listener> parse_socket_table(std::string_view protocol, std::string_view text);

/// Sorted by protocol, port and address, with one row for each service. A process's pair of sockets for IPv4 and IPv6
/// (both "any" or both loopback) is one row, that of IPv4. Several sockets on the same address are one row too.
std::vector<Listener> merge_listeners(std::vector<Listener> listeners);

/// The addresses on which this guest accepts TCP connections, without their processes. Cheap enough to call every
/// second.
std::vector<Listener> find_tcp_listeners();

/// All listeners of this guest, at most limits::kPortRows. Reads all of /proc: run it on the pool.
std::vector<Listener> find_listeners();

}  // namespace banger::roles::agent

// Forwards ports of this host to a VM while a command runs. Each connection has a thread, and a stream call (vm.tunnel)
// of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/endpoint.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// "8080" or "9000:8080": the port of the host (0: any free port) and the port of the guest.
struct ForwardedPort {
  std::uint16_t host = 0, guest = 0;
};
Result<ForwardedPort> parse_forwarded_port(std::string_view text);

/// A listening socket, its address, and the guest's port for its connections.
struct ForwardListener {
  UniqueFd socket;
  host::Endpoint at;
  std::uint16_t guest = 0;
};
/// `exists` when the port is in use, `denied` when this user may not listen on it.
Result<ForwardListener> listen_for(host::Ipv4 address, ForwardedPort port);

/// Moves bytes in both directions. Each direction ends by itself. Returns when both directions have ended, when either
/// end breaks, or when `stop_fd` becomes readable. `from_second` has the bytes that were read from `second` before.
void pump_both_ways(int first, int second, std::string from_second, int stop_fd);

/// Forwards until a signal arrives. If a connection to the guest fails, its caller is closed and the error is printed.
Result<> forward_until_interrupted(Io& io, const Signals& signals, const std::string& vm,
                                   const std::vector<ForwardListener>& listeners);

}  // namespace banger::roles::cli

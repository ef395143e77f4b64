// Ports of this host passed on to a VM for as long as a command runs: listening sockets, and a thread for each
// connection, which goes to the guest by a stream call of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/endpoint.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// "8080" or "9000:8080": the host's port (0: any free one) and the guest's.
struct ForwardedPort {
  std::uint16_t host = 0, guest = 0;
};
Result<ForwardedPort> parse_forwarded_port(std::string_view text);

/// Something that listens and where its connections go.
struct ForwardListener {
  UniqueFd socket;
  host::Endpoint at;
  std::uint16_t guest = 0;
};
/// `exists` when the port is in use, `denied` when this user may not have it.
Result<ForwardListener> listen_for(host::Ipv4 address, ForwardedPort port);

/// Bytes both ways until both ends have said all, either breaks, or `stop_fd` becomes readable; each direction ends by
/// itself. `from_second` is what was read from `second` already.
void pump_both_ways(int first, int second, std::string from_second, int stop_fd);

/// Until a signal comes. A connection that cannot be made is closed, and why is said on standard error.
Result<> forward_until_interrupted(Io& io, const Signals& signals, const std::string& vm,
                                   const std::vector<ForwardListener>& listeners);

}  // namespace banger::roles::cli

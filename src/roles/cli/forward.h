// Forwards ports of this host to a VM while a command runs. Each connection has a thread, and a stream call (vm.tunnel)
// of its own.
#pragma once

#include <sys/types.h>

#include <optional>
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

/// How a connection ended.
enum class Ending {
  whole,   ///< both sides have sent all their bytes
  broken,  ///< either end broke, or the command was interrupted
};

/// Moves bytes between a caller and a tunnel of the daemon, whose bytes come in chunks (rpc/chunks.h). Each direction
/// ends by itself. Returns when both directions have ended, when either end breaks, or when `stop_fd` becomes readable.
/// `from_tunnel` has the bytes that were read from the tunnel before.
Ending pump_both_ways(int caller, int tunnel, std::string_view from_tunnel, int stop_fd);

struct ForwardJob {
  const std::string& vm;
  const std::vector<ForwardListener>& listeners;
  std::optional<uid_t> only;  ///< the user whose processes may connect, beside root's; nullopt: everyone's
};
/// Forwards until a signal arrives. If a connection to the guest fails, its caller is reset and the error is printed.
Result<> forward_until_interrupted(Io& io, const Signals& signals, const ForwardJob& job);

}  // namespace banger::roles::cli

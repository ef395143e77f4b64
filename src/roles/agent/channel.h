// Finds the byte channel to the host: a virtio-serial port by its name (virtio 1.1, section 5.3). If the VMM has no
// such ports, the agent accepts the host's connections to a vsock port (vsock(7)).
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::roles::agent {

inline constexpr std::string_view kChannelName = "banger.agent";

/// The device of the port called `name`, e.g. "/dev/vport0p1"; `not_found` while it does not exist.
Result<std::string> find_port(std::string_view name, const std::string& sys = "/sys/class/virtio-ports",
                              const std::string& dev = "/dev");

/// Whether this guest has a vsock that its host can reach.
bool has_vsock(const std::string& device = "/dev/vsock");

/// Listens on the agent's vsock port.
Result<UniqueFd> listen_vsock();

/// The next connection from the host. Connections from guest processes are closed. `listener` may also be a Unix
/// socket.
Task<Result<UniqueFd>> accept_host(host::Runtime& runtime, int listener);

/// Either an opened port, or a listening vsock.
struct Channel {
  UniqueFd port, listener;
};
/// Waits until a channel exists (drivers may be loading). `timeout` after the deadline.
Task<Result<Channel>> open_channel(host::Runtime& runtime, host::Deadline deadline);

}  // namespace banger::roles::agent

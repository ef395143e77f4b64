// The guest's side of forwarded ports.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::agent::ssh {

/// A socket that is connected, or connects soon. `host` is an address, localhost, or a name of /etc/hosts.
Result<UniqueFd> connect_to(const std::string& host, std::uint16_t port);

/// A listening socket. The listening address is the guest's loopback address, whatever the client asks for.
struct Listener {
  UniqueFd socket;
  std::string address;     ///< as the client has named it
  std::uint16_t port = 0;  ///< 0 in the request: any free one
};
Result<Listener> listen_on(std::string address, std::uint16_t port);

/// A listening socket that leads to the client's authentication agent. The files go with this object.
class AgentSocket {
 public:
  AgentSocket() = default;
  ~AgentSocket();
  AgentSocket(const AgentSocket&) = delete;
  AgentSocket& operator=(const AgentSocket&) = delete;

  /// The socket's path. The first call makes the socket. Empty if it cannot be made.
  std::string path();
  int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  std::string directory_;
};

/// nullopt-like: an empty descriptor if nobody waits.
UniqueFd accept_from(int listening, std::string& peer, std::uint16_t& port);

}  // namespace banger::roles::agent::ssh

// TCP over IPv4 on the control thread, for connections of this host's programs. Asio stays in tcp.cc.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "base/unique_fd.h"
#include "host/endpoint.h"
#include "host/runtime.h"
#include "net/peer.h"

namespace banger::net {

/// One connection, with at most one reader and one writer at a time. Destroying it closes the connection and ends
/// pending calls.
class TcpStream {
 public:
  virtual ~TcpStream() = default;
  /// At most limits::kTcpReadBytes; empty at the end of the peer's bytes. `timeout` after the deadline: the connection
  /// is then unusable.
  virtual Task<Result<std::string>> read(host::Deadline deadline = host::Deadline::max()) = 0;
  /// Completes when the kernel has all bytes.
  virtual Task<Result<>> write(std::string bytes, host::Deadline deadline = host::Deadline::max()) = 0;
  virtual void shutdown_write() = 0;
  /// The connection then ends with a reset instead of an end that looks like the end of the bytes.
  virtual void reset_at_end() = 0;
  /// Completes when the peer has closed both directions or is dead, or when this end has closed.
  virtual Task<> gone() = 0;
  /// Whether a process of `owner` or of root holds the other end.
  virtual bool is_from(uid_t owner) const = 0;
  /// Zeros once it is closed.
  virtual TcpEnds ends() const = 0;
  /// Where the peer wanted to go, if this host's firewall has sent the connection here (netfilter, SO_ORIGINAL_DST).
  virtual std::optional<host::Endpoint> wanted() const = 0;
};

/// Whether packets to that address would stay on this host.
bool is_own_address(host::Ipv4 address);

/// `timeout` after the deadline, `unavailable` and others as the kernel says.
Task<Result<std::unique_ptr<TcpStream>>> connect_tcp(host::Runtime& runtime, host::Endpoint where,
                                                     host::Deadline deadline);

/// A listening socket. Destroying it ends a pending accept().
class TcpListener {
 public:
  virtual ~TcpListener() = default;
  virtual host::Endpoint endpoint() const = 0;
  /// `cancelled` once the listener is closed. Any other error concerns only this connection.
  virtual Task<Result<std::unique_ptr<TcpStream>>> accept() = 0;
};

/// Lets the kernel find out that the peer of a quiet connection has gone.
void keep_alive(int socket);
/// Closing the socket then resets the connection.
void reset_at_close(int socket);

/// Accepts from an IPv4 socket that listens already.
Result<std::unique_ptr<TcpListener>> accept_from(host::Runtime& runtime, UniqueFd listening);

/// `busy` when the port is in use, `denied` when this user may not listen on it. Port 0 means any free port.
Result<std::unique_ptr<TcpListener>> listen_tcp(host::Runtime& runtime, const host::Endpoint& where);

}  // namespace banger::net

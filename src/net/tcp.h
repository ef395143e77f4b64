// TCP over IPv4 on the control thread, for connections of this host's programs. Asio stays in tcp.cc.
#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "host/endpoint.h"
#include "host/runtime.h"

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
};

/// A listening socket. Destroying it ends a pending accept().
class TcpListener {
 public:
  virtual ~TcpListener() = default;
  virtual host::Endpoint endpoint() const = 0;
  /// `cancelled` once the listener is closed. Any other error concerns only this connection.
  virtual Task<Result<std::unique_ptr<TcpStream>>> accept() = 0;
};

/// `busy` when the port is in use, `denied` when this user may not listen on it. Port 0 means any free port.
Result<std::unique_ptr<TcpListener>> listen_tcp(host::Runtime& runtime, const host::Endpoint& where);

}  // namespace banger::net

// TCP over IPv4 on the control thread, for what this host's programs connect to. Asio stays in tcp.cc.
#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "host/endpoint.h"
#include "host/runtime.h"

namespace banger::net {

/// One connection; one reader and one writer at a time. Destroying it closes the connection and ends what is pending.
class TcpStream {
 public:
  virtual ~TcpStream() = default;
  /// At most limits::kTcpReadBytes; empty at the end of the peer's bytes. `timeout` after the deadline, and then the
  /// connection is of no more use.
  virtual Task<Result<std::string>> read(host::Deadline deadline = host::Deadline::max()) = 0;
  /// Completes when all bytes are with the kernel.
  virtual Task<Result<>> write(std::string bytes, host::Deadline deadline = host::Deadline::max()) = 0;
  virtual void shutdown_write() = 0;
};

/// A listening socket. Destroying it ends a pending accept().
class TcpListener {
 public:
  virtual ~TcpListener() = default;
  virtual host::Endpoint endpoint() const = 0;
  /// `cancelled` once it is closed; else only when this connection could not be had.
  virtual Task<Result<std::unique_ptr<TcpStream>>> accept() = 0;
};

/// `busy` when the port is in use, `denied` when this user may not have it. Port 0: any free one.
Result<std::unique_ptr<TcpListener>> listen_tcp(host::Runtime& runtime, const host::Endpoint& where);

}  // namespace banger::net

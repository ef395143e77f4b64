// One connection to a server: TCP, with TLS over it where the URL asks for TLS. Asio stays in stream.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"
#include "http/address.h"
#include "http/patience.h"
#include "http/tls.h"

namespace banger::http {

/// Moves, never copies; closes the connection at its end. One call at a time.
class Stream {
 public:
  Stream(host::Runtime& runtime, UniqueFd socket, const Address& peer);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  /// Returns once the socket takes bytes: for a socket that connects.
  Task<Result<>> writable(Patience patience);

  /// The handshake, with the server's certificate checked for `host`. `denied` when this host does not trust the
  /// certificate.
  Task<Result<>> start_tls(TlsContext context, std::string host, Patience patience);

  /// At least one byte; 0 at the end of the server's bytes. `unavailable` for a broken connection, `timeout`,
  /// `cancelled`.
  Task<Result<std::size_t>> read(std::span<char> into, Patience patience);
  /// All bytes, which the caller keeps until then.
  Task<Result<>> write(std::string_view bytes, Patience patience);

  /// Whether the connection looks open, and no byte waits to be read: another request may be sent.
  bool is_idle() const;
  const Address& peer() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Connects to the first address that answers. `unavailable` with the last address's error; `timeout`.
Task<Result<Stream>> connect(host::Runtime& runtime, std::vector<Address> addresses, std::uint16_t port,
                             Patience patience);

}  // namespace banger::http

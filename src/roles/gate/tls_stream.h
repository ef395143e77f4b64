// TLS over a TCP connection, as another connection: content in, content out. It ends as the other side of its flow has
// ended. So a guest can tell an answer that was cut short from a whole one.
#pragma once

#include <memory>
#include <string>

#include "certs/session.h"
#include "net/tcp.h"

namespace banger::roles::gate {

/// Whether the bytes from one side have ended without close_notify. Both streams of a flow know it.
using CutShort = std::shared_ptr<bool>;

class TlsStream final : public net::TcpStream {
 public:
  /// `came` is set when the peer's bytes end without close_notify. While `goes` is set, this end has none either.
  TlsStream(host::Runtime& runtime, std::unique_ptr<net::TcpStream> below, certs::Session session, CutShort came,
            CutShort goes);
  ~TlsStream() override;

  /// The handshake, before anything else. `first` are bytes of the peer that were read already. Gives the protocol of
  /// ALPN, or "". The task may outlive the stream, and then ends with an error.
  Task<Result<std::string>> shake(std::string first, host::Deadline deadline);

  Task<Result<std::string>> read(host::Deadline deadline) override;
  Task<Result<>> write(std::string bytes, host::Deadline deadline) override;
  /// Says close_notify behind all that was written, in a coroutine of its own. The connection waits for it.
  void shutdown_write() override;
  void reset_at_end() override;
  Task<> gone() override;
  bool is_from(uid_t owner) const override;
  net::TcpEnds ends() const override;
  std::optional<host::Endpoint> wanted() const override;

 private:
  struct Core;
  using CorePtr = std::shared_ptr<Core>;
  static Task<Result<>> drain(CorePtr core, host::Deadline deadline);
  static Task<Result<>> flush(CorePtr core, host::Deadline deadline);
  static Task<Result<bool>> fill(CorePtr core, host::Deadline deadline);
  static Task<Result<std::string>> shake_hands(CorePtr core, host::Deadline deadline);
  static Task<Result<std::string>> read_from(CorePtr core, host::Deadline deadline);
  static Task<Result<>> write_to(CorePtr core, std::string bytes, host::Deadline deadline);
  static Task<> finish(CorePtr core);

  CorePtr core_;
};

}  // namespace banger::roles::gate

// One side of a TLS connection (1.2 or 1.3) in memory: bytes in, bytes out. Whoever has the socket moves them
// (roles/gate/tls_stream.h). No call waits, and none does more work than the bytes that it was given need.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace banger::certs {

/// Names of protocols for ALPN, the preferred one first (RFC 7301).
using Protocols = std::vector<std::string>;

class Session {
 public:
  /// Of trust.h and issuer.h, which know the certificates. Takes the connection.
  explicit Session(ssl_st* tls);
  ~Session();
  Session(Session&&) noexcept;

  /// A server's choice by ALPN, if the client offers it. Before the handshake; "" is none.
  void prefer(std::string protocol);

  /// Takes bytes of the peer.
  void receive(std::string bytes);

  /// Goes on with the handshake. False when it needs more bytes of the peer. After an error, output() may have an alert
  /// for the peer. `denied` is only for the peer's certificate, and other codes are those
  /// of http::tls_error().
  Result<bool> shake();
  /// The next bytes of content, at most so many. Nothing when more bytes of the peer are needed; empty at the end that
  /// the peer has announced (close_notify).
  Result<std::optional<std::string>> read(std::size_t most);
  Result<> write(std::string_view content);
  /// Announces the end of what this side sends.
  void end();

  /// What is to be sent to the peer, and is then forgotten here.
  std::string take_output();
  bool has_output() const;

  /// After the handshake: the protocol of ALPN, or "".
  std::string protocol() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What clients and servers here have in common: versions, no renegotiation, no resumption, little memory while idle.
bool prepare(ssl_ctx_st* context);

}  // namespace banger::certs

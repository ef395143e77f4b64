// What a server may make OpenSSL do without a byte of content.
#pragma once

#include <cstddef>

#include "base/result.h"

struct bio_st;
struct ssl_st;

namespace banger::http {

/// Watches one connection, which must not outlive it. OpenSSL reads on by itself after messages of TLS, as long as the
/// socket has bytes. A hostile server would keep the thread there for ever.
class TlsWatch {
 public:
  TlsWatch() = default;
  TlsWatch(const TlsWatch&) = delete;
  TlsWatch& operator=(const TlsWatch&) = delete;

  void start(ssl_st* tls);
  /// Before each call of OpenSSL. The call reads at most limits::kTlsReadsInCall times from the socket. It then looks
  /// like a socket without bytes.
  void call_begins() { reads_ = 0; }
  /// The handshake is done, or bytes of content have arrived.
  void content_arrived() { messages_ = 0; }
  /// `corrupt` after more than limits::kTlsMessages messages without content.
  Result<> check() const;

 private:
  static long on_socket(bio_st* socket, int operation, const char* bytes, std::size_t size, int, long, int result,
                        std::size_t* done);
  static void on_message(int sent, int version, int type, const void* bytes, std::size_t size, ssl_st* tls, void* self);

  int reads_ = 0, messages_ = 0;
};

}  // namespace banger::http

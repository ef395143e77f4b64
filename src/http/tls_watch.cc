#include "http/tls_watch.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "http/bounds.h"

namespace banger::http {

void TlsWatch::start(ssl_st* tls) {
  auto* socket = SSL_get_rbio(tls);
  BIO_set_callback_arg(socket, reinterpret_cast<char*>(this));
  BIO_set_callback_ex(socket, on_socket);
  SSL_set_msg_callback(tls, on_message);
  SSL_set_msg_callback_arg(tls, this);
}

Result<> TlsWatch::check() const {
  if (messages_ <= limits::kTlsMessages) return {};
  return fail(ErrorCode::corrupt, "the server sends messages of TLS without end, and no content",
              "ask who runs the server");
}

/// Returns what OpenSSL goes on with: `result` leaves the operation as it is.
long TlsWatch::on_socket(bio_st* socket, int operation, const char*, std::size_t, int, long, int result, std::size_t*) {
  if (operation != BIO_CB_READ) return result;
  auto* self = reinterpret_cast<TlsWatch*>(BIO_get_callback_arg(socket));
  if (self->reads_++ < limits::kTlsReadsInCall) return result;
  BIO_clear_retry_flags(socket);
  BIO_set_retry_read(socket);
  return -1;
}

void TlsWatch::on_message(int sent, int, int type, const void*, std::size_t, ssl_st*, void* self) {
  auto& messages = static_cast<TlsWatch*>(self)->messages_;
  // One call may bring very many of them.
  if (!sent && type == SSL3_RT_HANDSHAKE && messages <= limits::kTlsMessages) ++messages;
}

}  // namespace banger::http

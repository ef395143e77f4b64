// What a failed handshake means to a user.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "http/tls.h"

namespace banger::http {

namespace {

Error untrusted(long verdict) {
  auto denied = [](std::string message, std::string hint) {
    return Error{.code = ErrorCode::denied, .message = std::move(message), .hint = std::move(hint)};
  };
  switch (verdict) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return denied("the server's certificate is signed by itself, and this host does not trust it", "");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return denied("the server's certificate is from a CA that this host does not know", "");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return denied("the server's certificate is for another host name",
                    "use a name that the certificate has as a subject alternative name");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return denied("the server's certificate has expired", "renew it, or check the clock of this host");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return denied("the server's certificate is not valid yet", "check the clock of this host");
    default:
      return denied(fmt::format("the server's certificate is not accepted: {}", X509_verify_cert_error_string(verdict)),
                    "");
  }
}

Error refused(unsigned long error) {
  auto with = [](ErrorCode code, std::string message, std::string hint) {
    return Error{.code = code, .message = std::move(message), .hint = std::move(hint)};
  };
  switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return with(ErrorCode::corrupt, "the server does not speak TLS", "it may serve plain HTTP on this port");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return with(ErrorCode::unsupported, "the server only speaks TLS older than 1.2", "");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return with(ErrorCode::denied, "the server wants a certificate of the client",
                  "put NAME.cert and NAME.key into the server's directory of certs.d");
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return with(ErrorCode::unavailable, "the server closed the connection within TLS", "");
    default: {
      const char* reason = ERR_reason_error_string(error);
      // An alert of the server is its decision, which stays the same.
      bool alert = ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET;
      return with(alert ? ErrorCode::denied : ErrorCode::unavailable,
                  fmt::format("TLS failed: {}", reason ? reason : "the connection broke"), "");
    }
  }
}

}  // namespace

Error tls_error(const ssl_st* tls) {
  auto error = ERR_peek_error();
  ERR_clear_error();
  auto verdict = SSL_get_verify_result(tls);
  if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) return untrusted(verdict);
  return refused(error);
}

}  // namespace banger::http

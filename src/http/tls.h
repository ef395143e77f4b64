// TLS from OpenSSL: which servers are trusted, and what a failed handshake means to a user.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "http/trust.h"

struct ssl_ctx_st;
struct ssl_st;

namespace banger::http {

using TlsContext = std::shared_ptr<ssl_ctx_st>;
struct FreeTls {
  void operator()(ssl_st* tls) const;
};
using Tls = std::unique_ptr<ssl_st, FreeTls>;

/// The settings of connections to one server: TLS 1.2 or later, the trusted CAs, and the client's certificate. Reads
/// files, some of them only during a handshake. `invalid` for a file that is no certificate.
Result<TlsContext> make_tls_context(const TrustPaths& paths, const HostTrust& trust);

/// A client's connection over the socket (borrowed). The process must ignore SIGPIPE, which OpenSSL's writes raise. The
/// connection has SNI for a name, and checks that the certificate is for `host`.
Result<Tls> make_tls(const TlsContext& context, const std::string& host, int socket);

/// What OpenSSL's errors of this thread mean. `denied` for a certificate that is not trusted, `corrupt` for a server
/// without TLS, else `unavailable`. Clears the errors.
Error tls_error(const ssl_st* tls);

}  // namespace banger::http

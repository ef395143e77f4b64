#include "certs/trust.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include "certs/bounds.h"
#include "certs/openssl.h"

namespace banger::certs {

namespace {

std::unexpected<Error> no_bundle(std::string_view why) {
  ERR_clear_error();
  return fail(ErrorCode::invalid, fmt::format("the bundle of trusted CAs {}", why),
              "install ca-certificates on this host");
}

/// The next certificate. Null at the end, and for a malformed one.
Certificate next_in(BIO* text) { return Certificate(PEM_read_bio_X509(text, nullptr, nullptr, nullptr)); }

Result<> add_authorities(X509_STORE* store, std::string_view pem) {
  Bio text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::size_t count = 0;
  ERR_clear_error();
  while (auto certificate = text ? next_in(text.get()) : nullptr) {
    if (++count > limits::kTrustedAuthorities) return no_bundle("has too many certificates");
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return no_bundle("cannot be used");
  }
  bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (count == 0) return no_bundle("has no certificate in PEM");
  if (!at_end) return no_bundle("has a malformed certificate");
  ERR_clear_error();
  return {};
}

/// The form of RFC 7301: each name after its length.
std::string wire_form(const Protocols& protocols) {
  std::string form;
  for (const auto& name : protocols) form.append(1, static_cast<char>(name.size())).append(name);
  return form;
}

bool offer(SSL* tls, const Protocols& protocols) {
  auto form = wire_form(protocols);
  return form.empty() || SSL_set_alpn_protos(tls, reinterpret_cast<const unsigned char*>(form.data()),
                                             static_cast<unsigned>(form.size())) == 0;
}

}  // namespace

Result<Trust> Trust::make(std::string_view pem) {
  start_openssl();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!prepare(context.get())) return openssl_failed("set up TLS");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  TRY(add_authorities(SSL_CTX_get_cert_store(context.get()), pem));
  return Trust(std::move(context));
}

Result<Session> Trust::connect(const std::string& host, const Protocols& protocols) const {
  auto* tls = SSL_new(context_.get());
  Session session(tls);
  if (!tls) return openssl_failed("set up TLS");
  SSL_set_connect_state(tls);
  SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (SSL_set1_host(tls, host.c_str()) != 1 || SSL_set_tlsext_host_name(tls, host.c_str()) != 1 ||
      !offer(tls, protocols))
    return openssl_failed("set up TLS");
  return session;
}

}  // namespace banger::certs

// The certificate that an issuer's session presents, and what OpenSSL says about it.
#pragma once

#include <openssl/pem.h>

#include <ctime>

#include "catch.h"
#include "certs/issuer.h"
#include "certs/openssl.h"
#include "certs/trust.h"

namespace banger::certs {

inline Certificate parse(const std::string& pem) {
  Bio text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Certificate certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  REQUIRE(certificate);
  return certificate;
}

/// X509_V_OK, or why the certificate is refused under that root at that time.
inline int verify(X509* leaf, const std::string& root, std::time_t when, const char* host = nullptr) {
  std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> store(X509_STORE_new());
  auto trusted = parse(root);
  X509_STORE_add_cert(store.get(), trusted.get());
  std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>> check(X509_STORE_CTX_new());
  X509_STORE_CTX_init(check.get(), store.get(), leaf, nullptr);
  X509_STORE_CTX_set_default(check.get(), "ssl_server");
  auto* wants = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_flags(wants, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(wants, when);
  if (host) X509_VERIFY_PARAM_set1_host(wants, host, 0);
  X509_verify_cert(check.get());
  return X509_STORE_CTX_get_error(check.get());
}

/// Moves bytes between two sessions until both handshakes are done. The errors, if there are any.
struct Met {
  Result<bool> client = false, server = false;
  bool both() const { return client && *client && server && *server; }
};
inline Met meet(Session& client, Session& server) {
  Met met;
  for (int round = 0; round < 10 && !met.both(); ++round) {
    if (met.client && !*met.client) met.client = client.shake();
    server.receive(client.take_output());
    if (met.server && !*met.server) met.server = server.shake();
    client.receive(server.take_output());
  }
  return met;
}

/// The certificate that a client gets from the issuer's server. The client takes any.
inline Certificate presented(const Authority& by, const std::string& host) {
  auto issuer = Issuer::make(by);
  REQUIRE(issuer);
  auto server = issuer->accept(host, "");
  REQUIRE(server);
  Context context(SSL_CTX_new(TLS_client_method()));
  auto* tls = SSL_new(context.get());
  SSL_set_connect_state(tls);
  Session client(tls);
  auto met = meet(client, *server);
  REQUIRE(met.both());
  return Certificate(SSL_get1_peer_certificate(tls));
}

inline int verdict(const Authority& by, const std::string& root, const std::string& host,
                   std::time_t when = std::time(nullptr)) {
  return verify(presented(by, host).get(), root, when, host.c_str());
}

}  // namespace banger::certs

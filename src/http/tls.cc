#include "http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>

#include "http/address.h"

namespace banger::http {

namespace {

std::unexpected<Error> no_memory() { return fail(ErrorCode::internal, "OpenSSL cannot set up TLS"); }

std::unexpected<Error> unusable(const std::string& path, std::string_view what) {
  ERR_clear_error();
  return fail(ErrorCode::invalid, fmt::format("{} is no {} in PEM", path, what));
}

/// OpenSSL would wait for the writer of a FIFO, without an end.
Result<> check_regular(const std::string& path) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  // OpenSSL reports files that are missing or cannot be looked at.
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) return {};
  return fail(ErrorCode::invalid, fmt::format("{} is not a regular file", path));
}

Result<> add_authority(ssl_ctx_st* context, const std::string& path) {
  TRY(check_regular(path));
  if (SSL_CTX_load_verify_file(context, path.c_str()) != 1) return unusable(path, "certificate");
  return {};
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<> add_authorities(ssl_ctx_st* context, const TrustPaths& paths, const HostTrust& trust) {
  for (const auto& bundle : paths.bundles) {
    if (!exists(bundle)) continue;
    TRY(add_authority(context, bundle));
    break;
  }
  // OpenSSL reads files of the directory only when a handshake needs one.
  if (!paths.directory.empty()) SSL_CTX_load_verify_dir(context, paths.directory.c_str());
  for (const auto& authority : trust.authorities) TRY(add_authority(context, authority));
  return {};
}

Result<> add_certificate(ssl_ctx_st* context, const HostTrust& trust) {
  if (trust.certificate.empty()) return {};
  TRY(check_regular(trust.certificate));
  TRY(check_regular(trust.key));
  if (SSL_CTX_use_certificate_chain_file(context, trust.certificate.c_str()) != 1)
    return unusable(trust.certificate, "certificate");
  if (SSL_CTX_use_PrivateKey_file(context, trust.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable(trust.key, "key of the certificate beside it");
  return {};
}

/// A handshake must not ask on the terminal for the password of a key.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

void FreeTls::operator()(ssl_st* tls) const { SSL_free(tls); }

Result<TlsContext> make_tls_context(const TrustPaths& paths, const HostTrust& trust) {
  // The configuration of the host's OpenSSL may name modules, which a static executable cannot load.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) return no_memory();
  SSL_CTX_set_verify(context.get(), trust.any_certificate ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_passwd_cb(context.get(), no_password);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // After a message without content, the caller decides whether to read on.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  TRY(add_authorities(context.get(), paths, trust));
  TRY(add_certificate(context.get(), trust));
  return context;
}

Result<Tls> make_tls(const TlsContext& context, const std::string& host, int socket) {
  Tls tls(SSL_new(context.get()));
  if (!tls || SSL_set_fd(tls.get(), socket) != 1) return no_memory();
  auto* checks = SSL_get0_param(tls.get());
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool set = parse_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) == 1
                                 : SSL_set1_host(tls.get(), host.c_str()) == 1 &&
                                       SSL_set_tlsext_host_name(tls.get(), host.c_str()) == 1;
  if (!set) return no_memory();
  return tls;
}

}  // namespace banger::http

// Owners of OpenSSL's objects, for files of this folder.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/result.h"

namespace banger::certs {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

/// The configuration of the host's OpenSSL may name modules, which a static executable cannot load.
inline void start_openssl() { OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr); }

inline std::unexpected<Error> openssl_failed(std::string_view what) {
  ERR_clear_error();
  return fail(ErrorCode::internal, std::string("OpenSSL cannot ").append(what));
}

}  // namespace banger::certs

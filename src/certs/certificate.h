// What root and leaf certificates have in common (RFC 5280), for files of this folder.
#pragma once

#include <chrono>
#include <string_view>

#include "certs/openssl.h"

namespace banger::certs {

/// A certificate with all but its subject, names and signature. Its issuer is the authority. Valid from a day ago on.
Result<Certificate> draft(EVP_PKEY* subject_key, EVP_PKEY* authority_key, std::string_view authority_name,
                          std::chrono::days life);
Result<> sign(X509* certificate, EVP_PKEY* authority_key);

/// A key that signs: `invalid` for any other text than a P-256 key in PEM. The error has nothing of the text.
Result<Key> parse_key(std::string_view pem);
Result<Key> new_key();

/// Adds an extension of that type (NID) and frees nothing. `value` may be null when there was no memory for it.
Result<> extend(X509* certificate, int type, void* value, bool critical);
/// An extension whose value is a text of DER, or bits of keyUsage.
Result<> extend_key_usage(X509* certificate, int bit);
Result<> set_common_name(X509_NAME* name, std::string_view text);

/// A GeneralName of type dNSName. Null without memory.
GENERAL_NAME* dns_name(std::string_view name);

}  // namespace banger::certs

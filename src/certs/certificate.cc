#include "certs/certificate.h"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include "certs/bounds.h"

namespace banger::certs {

namespace {

constexpr int kSerialBytes = 16;

template <auto Free, class T>
std::unique_ptr<T, Freed<Free>> owned(T* object) {
  return std::unique_ptr<T, Freed<Free>>(object);
}

bool set_serial(X509* certificate) {
  unsigned char bytes[kSerialBytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = (bytes[0] & 0x3f) | 0x40;  // positive, and never shorter
  auto number = owned<BN_free>(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

bool set_times(X509* certificate, std::chrono::days life) {
  return X509_time_adj_ex(X509_getm_notBefore(certificate), -static_cast<int>(limits::kBackdated.count()), 0,
                          nullptr) &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(life.count()), 0, nullptr);
}

/// The usual identifier of a key: the hash of its bits (RFC 5280, section 4.2.1.2).
ASN1_OCTET_STRING* identifier_of(EVP_PKEY* key) {
  Certificate holder(X509_new());
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!holder || X509_set_pubkey(holder.get(), key) != 1 ||
      X509_pubkey_digest(holder.get(), EVP_sha1(), hash, &size) != 1)
    return nullptr;
  auto* identifier = ASN1_OCTET_STRING_new();
  if (identifier) ASN1_OCTET_STRING_set(identifier, hash, static_cast<int>(size));
  return identifier;
}

Result<> identify(X509* certificate, EVP_PKEY* key, EVP_PKEY* authority_key) {
  auto own = owned<ASN1_OCTET_STRING_free>(identifier_of(key));
  TRY(extend(certificate, NID_subject_key_identifier, own.get(), false));
  auto authority = owned<AUTHORITY_KEYID_free>(AUTHORITY_KEYID_new());
  if (authority) authority->keyid = identifier_of(authority_key);
  return extend(certificate, NID_authority_key_identifier, authority.get(), false);
}

/// A password in the terminal must not be asked for.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

Result<> extend(X509* certificate, int type, void* value, bool critical) {
  if (value && X509_add1_ext_i2d(certificate, type, value, critical, X509V3_ADD_DEFAULT) == 1) return {};
  return openssl_failed("make a certificate");
}

Result<> extend_key_usage(X509* certificate, int bit) {
  auto bits = owned<ASN1_BIT_STRING_free>(ASN1_BIT_STRING_new());
  if (bits) ASN1_BIT_STRING_set_bit(bits.get(), bit, 1);
  return extend(certificate, NID_key_usage, bits.get(), true);
}

Result<> set_common_name(X509_NAME* name, std::string_view text) {
  // A character of UTF-8 is not cut in two.
  auto size = std::min(text.size(), limits::kCommonNameBytes);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(size), -1,
                                 0) == 1)
    return {};
  ERR_clear_error();
  return fail(ErrorCode::invalid, "the subject of the certificate authority is no text", "give a name in UTF-8");
}

GENERAL_NAME* dns_name(std::string_view name) {
  auto* entry = GENERAL_NAME_new();
  auto* text = ASN1_IA5STRING_new();
  if (!entry || !text || ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) != 1) {
    GENERAL_NAME_free(entry);
    ASN1_IA5STRING_free(text);
    return nullptr;
  }
  GENERAL_NAME_set0_value(entry, GEN_DNS, text);
  return entry;
}

Result<Certificate> draft(EVP_PKEY* subject_key, EVP_PKEY* authority_key, std::string_view authority_name,
                          std::chrono::days life) {
  constexpr long kVersion3 = 2;
  Certificate certificate(X509_new());
  auto* made = certificate.get();
  if (!made || X509_set_version(made, kVersion3) != 1 || !set_serial(made) || !set_times(made, life) ||
      X509_set_pubkey(made, subject_key) != 1)
    return openssl_failed("make a certificate");
  TRY(set_common_name(X509_get_issuer_name(made), authority_name));
  TRY(identify(made, subject_key, authority_key));
  return certificate;
}

Result<> sign(X509* certificate, EVP_PKEY* authority_key) {
  if (X509_sign(certificate, authority_key, EVP_sha256()) > 0) return {};
  return openssl_failed("sign a certificate");
}

Result<Key> parse_key(std::string_view pem) {
  start_openssl();
  bool small = pem.size() <= limits::kKeyPemBytes;
  Bio text(small ? BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())) : nullptr);
  Key key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr) : nullptr);
  char curve[32] = "";
  if (key) EVP_PKEY_get_group_name(key.get(), curve, sizeof curve, nullptr);
  ERR_clear_error();
  if (key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC && std::string_view(curve) == SN_X9_62_prime256v1)
    return key;
  return fail(ErrorCode::invalid, "the key of the certificate authority is not a P-256 key in PEM",
              "remove the file with the key, and let banger make a new one");
}

Result<Key> new_key() {
  start_openssl();
  Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed("make a key");
  return key;
}

}  // namespace banger::certs

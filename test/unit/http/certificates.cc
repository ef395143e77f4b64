#include "certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace banger::test {

namespace {

using Key = std::shared_ptr<evp_pkey_st>;
using Certificate = std::shared_ptr<x509_st>;

void must(bool holds) {
  if (!holds) std::abort();
}

Key make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

Certificate make_blank(const std::string& name, evp_pkey_st* key, int from_days, int to_days) {
  static std::atomic<long> serial{1};
  Certificate made(X509_new(), X509_free);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from_days * 86'400L);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), to_days * 86'400L);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return made;
}

void write(const std::string& path, const Certificate& certificate) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  must(file && PEM_write_X509(file.get(), certificate.get()) == 1);
}

void write(const std::string& path, const Key& key) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  must(file && PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

}  // namespace

Authority::Authority(const TempDir& dir, std::string name) : dir_(dir), name_(std::move(name)), key_(make_key()) {
  own_ = make_blank(name_, key_.get(), -10, 10);
  X509_set_issuer_name(own_.get(), X509_get_subject_name(own_.get()));
  add_extension(own_.get(), own_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own_.get(), own_.get(), NID_key_usage, "critical,keyCertSign");
  must(X509_sign(own_.get(), key_.get(), EVP_sha256()) > 0);
  write(certificate(), own_);
}

ServerTls Authority::sign(const std::string& name, const Leaf& leaf) const {
  auto key = make_key();
  auto made = make_blank(name, key.get(), leaf.from_days, leaf.to_days);
  auto* issuer = leaf.self_signed ? made.get() : own_.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  add_extension(made.get(), issuer, NID_subject_alt_name, leaf.names);
  must(X509_sign(made.get(), leaf.self_signed ? key.get() : key_.get(), EVP_sha256()) > 0);
  ServerTls files{.certificate = dir_ / (name + ".cert"), .key = dir_ / (name + ".key")};
  write(files.certificate, made);
  write(files.key, key);
  return files;
}

}  // namespace banger::test

#include "certs/issuer.h"

#include <map>

#include "certs/bounds.h"
#include "certs/certificate.h"

namespace banger::certs {

namespace {

using Clock = std::chrono::steady_clock;

struct Leaf {
  Certificate certificate;
  Clock::time_point made;
};

Result<> extend_as_leaf(X509* certificate, const std::string& host) {
  std::unique_ptr<BASIC_CONSTRAINTS, Freed<BASIC_CONSTRAINTS_free>> basic(BASIC_CONSTRAINTS_new());
  TRY(extend(certificate, NID_basic_constraints, basic.get(), true));
  constexpr int kSigns = 0;  // digitalSignature (RFC 5280, section 4.2.1.3)
  TRY(extend_key_usage(certificate, kSigns));
  std::unique_ptr<EXTENDED_KEY_USAGE, Freed<EXTENDED_KEY_USAGE_free>> usage(EXTENDED_KEY_USAGE_new());
  if (usage) sk_ASN1_OBJECT_push(usage.get(), OBJ_nid2obj(NID_server_auth));
  TRY(extend(certificate, NID_ext_key_usage, usage.get(), false));
  std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(GENERAL_NAMES_new());
  if (auto* name = names ? dns_name(host) : nullptr) sk_GENERAL_NAME_push(names.get(), name);
  return extend(certificate, NID_subject_alt_name, names.get(), false);
}

Result<Certificate> make_leaf(const std::string& host, EVP_PKEY* key, EVP_PKEY* authority_key,
                              const std::string& authority_name) {
  auto leaf = TRY(draft(key, authority_key, authority_name, limits::kLeafLife));
  // Some programs show the common name. A name that is too long for one is whole in the alternative names.
  bool short_name = host.size() <= limits::kCommonNameBytes;
  TRY(set_common_name(X509_get_subject_name(leaf.get()), short_name ? host : "banger"));
  TRY(extend_as_leaf(leaf.get(), host));
  TRY(sign(leaf.get(), authority_key));
  return leaf;
}

/// ALPN's choice: `wanted` is what the server outside has chosen.
int choose(SSL* tls, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned length,
           void*) {
  auto* wanted = static_cast<const std::string*>(SSL_get_app_data(tls));
  for (unsigned at = 0; wanted && at < length; at += 1u + offered[at]) {
    std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != *wanted) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

struct Issuer::Parts {
  Key authority_key, key;
  std::string authority_name;
  Context context;
  std::map<std::string, Leaf> leafs;

  Result<X509*> leaf_for(const std::string& host) {
    auto now = Clock::now();
    auto found = leafs.find(host);
    if (found != leafs.end() && now - found->second.made < limits::kLeafReuse) return found->second.certificate.get();
    if (found == leafs.end() && leafs.size() >= limits::kLeafs) leafs.clear();
    auto made = TRY(make_leaf(host, key.get(), authority_key.get(), authority_name));
    auto& leaf = leafs[host] = {std::move(made), now};
    return leaf.certificate.get();
  }
};

Issuer::Issuer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Issuer::~Issuer() = default;
Issuer::Issuer(Issuer&&) noexcept = default;
Issuer& Issuer::operator=(Issuer&&) noexcept = default;

Result<Issuer> Issuer::make(const Authority& authority) {
  auto parts = std::make_unique<Parts>();
  parts->authority_key = TRY(parse_key(authority.key_pem));
  parts->authority_name = authority.subject;
  parts->key = TRY(new_key());
  parts->context.reset(SSL_CTX_new(TLS_server_method()));
  if (!prepare(parts->context.get())) return openssl_failed("set up TLS");
  SSL_CTX_set_alpn_select_cb(parts->context.get(), choose, nullptr);
  TRY(parts->leaf_for("localhost"));  // a subject that no certificate can have is an error here
  return Issuer(std::move(parts));
}

Result<Session> Issuer::accept(const std::string& host, const std::string& protocol) {
  auto* leaf = TRY(parts_->leaf_for(host));
  auto* tls = SSL_new(parts_->context.get());
  Session session(tls);
  if (!tls || SSL_use_certificate(tls, leaf) != 1 || SSL_use_PrivateKey(tls, parts_->key.get()) != 1)
    return openssl_failed("set up TLS");
  SSL_set_accept_state(tls);
  session.prefer(protocol);
  return session;
}

}  // namespace banger::certs

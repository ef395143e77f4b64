#include "certs/authority.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <algorithm>

#include "base/text.h"
#include "certs/bounds.h"
#include "certs/certificate.h"

namespace banger::certs {

namespace {

using Constraints = std::unique_ptr<NAME_CONSTRAINTS, Freed<NAME_CONSTRAINTS_free>>;

constexpr std::size_t kAnyIpv4 = 8, kAnyIpv6 = 32;  // an address and a mask, all zero

/// The text that an object has in PEM.
template <class Write>
Result<std::string> pem_of(Write write) {
  Bio text(BIO_new(BIO_s_mem()));
  char* bytes = nullptr;
  if (!text || write(text.get()) != 1) return openssl_failed("write PEM");
  auto size = BIO_get_mem_data(text.get(), &bytes);
  std::string pem(bytes, static_cast<std::size_t>(size));
  OPENSSL_cleanse(bytes, static_cast<std::size_t>(size));
  return pem;
}

/// Takes the name, which may be null.
bool add_tree(STACK_OF(GENERAL_SUBTREE) * trees, GENERAL_NAME* name) {
  auto* tree = name ? GENERAL_SUBTREE_new() : nullptr;
  if (!tree) {
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_free(tree->base);
  tree->base = name;
  if (sk_GENERAL_SUBTREE_push(trees, tree) > 0) return true;
  GENERAL_SUBTREE_free(tree);
  return false;
}

GENERAL_NAME* any_address(std::size_t size) {
  auto* name = GENERAL_NAME_new();
  auto* bytes = ASN1_OCTET_STRING_new();
  unsigned char zeros[kAnyIpv6] = {};
  if (!name || !bytes || ASN1_OCTET_STRING_set(bytes, zeros, static_cast<int>(size)) != 1) {
    GENERAL_NAME_free(name);
    ASN1_OCTET_STRING_free(bytes);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
  return name;
}

bool is_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  bool letters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  return letters && !name.empty() && name.front() != '.' && name.back() != '.' && name.find("..") == name.npos;
}

// All names below one have the form ".example.org". Permitted names say nothing about addresses, so all are excluded.
Result<Constraints> constraints_for(const std::vector<std::string>& names) {
  Constraints made(NAME_CONSTRAINTS_new());
  if (made) made->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  if (made) made->excludedSubtrees = sk_GENERAL_SUBTREE_new_null();
  if (!made || !made->permittedSubtrees || !made->excludedSubtrees) return openssl_failed("make a certificate");
  for (std::string_view name : names) {
    if (!is_name(name))
      return fail(ErrorCode::invalid, fmt::format("'{}' is no name for a certificate", printable(name)),
                  "write it like api.example.org or *.example.org, without a port");
    if (name.starts_with('*')) name.remove_prefix(1);
    if (!add_tree(made->permittedSubtrees, dns_name(name))) return openssl_failed("make a certificate");
  }
  for (auto size : {kAnyIpv4, kAnyIpv6})
    if (!add_tree(made->excludedSubtrees, any_address(size))) return openssl_failed("make a certificate");
  return made;
}

Result<> extend_as_root(X509* certificate, const std::vector<std::string>& names) {
  std::unique_ptr<BASIC_CONSTRAINTS, Freed<BASIC_CONSTRAINTS_free>> basic(BASIC_CONSTRAINTS_new());
  if (basic) {
    basic->ca = 1;
    basic->pathlen = ASN1_INTEGER_new();
    ASN1_INTEGER_set(basic->pathlen, 0);
  }
  constexpr int kSignsCertificates = 5;  // RFC 5280, section 4.2.1.3
  TRY(extend(certificate, NID_basic_constraints, basic.get(), true));
  TRY(extend_key_usage(certificate, kSignsCertificates));
  auto constraints = TRY(constraints_for(names));
  return extend(certificate, NID_name_constraints, constraints.get(), true);
}

}  // namespace

Result<std::string> make_key() {
  auto key = TRY(new_key());
  return pem_of(
      [&](BIO* to) { return PEM_write_bio_PKCS8PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

Result<std::string> make_root(const Authority& authority, const std::vector<std::string>& names) {
  if (names.empty() || names.size() > limits::kAuthorityNames)
    return fail(ErrorCode::invalid, fmt::format("a certificate authority has 1 to {} names, and not {}",
                                                limits::kAuthorityNames, names.size()));
  auto key = TRY(parse_key(authority.key_pem));
  auto root = TRY(draft(key.get(), key.get(), authority.subject, limits::kRootLife));
  TRY(set_common_name(X509_get_subject_name(root.get()), authority.subject));
  TRY(extend_as_root(root.get(), names));
  TRY(sign(root.get(), key.get()));
  return pem_of([&](BIO* to) { return PEM_write_bio_X509(to, root.get()); });
}

}  // namespace banger::certs

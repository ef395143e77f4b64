// Roots and the certificates below them, checked by OpenSSL's own verifier.
#include "certs/authority.h"

#include <openssl/pem.h>

#include <ctime>

#include "catch.h"
#include "certs/bounds.h"
#include "certs/certificate.h"
#include "certs/issuer.h"
#include "certs/openssl.h"
#include "verify.h"

using namespace banger;
using namespace banger::certs;

namespace {

Authority authority() {
  auto key = make_key();
  REQUIRE(key);
  return {.key_pem = *key, .subject = "banger of tester@here"};
}

std::string root_for(const Authority& of, const std::vector<std::string>& names) {
  auto root = make_root(of, names);
  REQUIRE(root);
  return *root;
}

constexpr long kDay = 86'400;

}  // namespace

TEST_CASE("certs: a certificate is good for a name that the root permits, and for no other") {
  auto one = authority();
  auto root = root_for(one, {"api.example.org", "*.example.net"});
  CHECK(verdict(one, root, "api.example.org") == X509_V_OK);
  CHECK(verdict(one, root, "a.example.net") == X509_V_OK);
  CHECK(verdict(one, root, "a.b.example.net") == X509_V_OK);
  CHECK(verdict(one, root, "example.net") == X509_V_ERR_PERMITTED_VIOLATION);
  CHECK(verdict(one, root, "example.org") == X509_V_ERR_PERMITTED_VIOLATION);
  CHECK(verdict(one, root, "xapi.example.org") == X509_V_ERR_PERMITTED_VIOLATION);
  CHECK(verdict(one, root, "evil.com") == X509_V_ERR_PERMITTED_VIOLATION);
  std::string long_name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example.net";
  CHECK(verdict(one, root, long_name) == X509_V_OK);
}

TEST_CASE("certs: all roots of a key take its certificates, and those of another key none") {
  auto one = authority(), other = authority();
  CHECK(verdict(one, root_for(one, {"a.org"}), "a.org") == X509_V_OK);
  CHECK(verdict(one, root_for(one, {"a.org", "b.org"}), "a.org") == X509_V_OK);
  CHECK(verdict(one, root_for(other, {"a.org"}), "a.org") != X509_V_OK);
}

TEST_CASE("certs: certificates are good from a day ago for a week, and roots for ten years") {
  auto one = authority();
  auto root = root_for(one, {"a.org"});
  auto now = std::time(nullptr);
  CHECK(verdict(one, root, "a.org", now - kDay + 60) == X509_V_OK);
  CHECK(verdict(one, root, "a.org", now - kDay - 60) == X509_V_ERR_CERT_NOT_YET_VALID);
  CHECK(verdict(one, root, "a.org", now + 7 * kDay - 60) == X509_V_OK);
  CHECK(verdict(one, root, "a.org", now + 7 * kDay + 60) == X509_V_ERR_CERT_HAS_EXPIRED);
  auto certificate = parse(root);
  auto ends = now + 3650 * kDay;
  CHECK(X509_cmp_time(X509_get0_notAfter(certificate.get()), &ends) != 0);
  CHECK(X509_check_ca(certificate.get()) == 1);
  CHECK(X509_get_pathlen(certificate.get()) == 0);
  CHECK(X509_get_key_usage(certificate.get()) == KU_KEY_CERT_SIGN);
}

TEST_CASE("certs: the root permits no address either") {
  auto one = authority();
  auto root = root_for(one, {"a.org"});
  auto key = parse_key(one.key_pem);
  REQUIRE(key);
  auto leaf = draft(key->get(), key->get(), one.subject, std::chrono::days(1));
  REQUIRE(leaf);
  std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(GENERAL_NAMES_new());
  sk_GENERAL_NAME_push(names.get(), a2i_GENERAL_NAME(nullptr, nullptr, nullptr, GEN_IPADD, "10.0.0.1", 0));
  REQUIRE(set_common_name(X509_get_subject_name(leaf->get()), "x"));
  REQUIRE(extend(leaf->get(), NID_subject_alt_name, names.get(), false));
  REQUIRE(sign(leaf->get(), key->get()));
  CHECK(verify(leaf->get(), root, std::time(nullptr)) == X509_V_ERR_EXCLUDED_VIOLATION);
}

TEST_CASE("certs: each call has another key and another serial number") {
  auto one = authority();
  CHECK(*make_key() != *make_key());
  CHECK(root_for(one, {"a.org"}) != root_for(one, {"a.org"}));
}

TEST_CASE("certs: a subject that is too long is cut between two characters, the same way everywhere") {
  auto one = authority();
  one.subject = std::string(63, 'x') + "ä and more";
  auto root = root_for(one, {"a.org"});
  CHECK(verdict(one, root, "a.org") == X509_V_OK);
  one.subject = "bad \xff";
  CHECK_FALSE(make_root(one, {"a.org"}));
  CHECK_FALSE(Issuer::make(one));
}

TEST_CASE("certs: a key that is none is a clear error without the text") {
  auto rsa = std::string("-----BEGIN PRIVATE KEY-----\nMIIBVQ==\n-----END PRIVATE KEY-----\n");
  for (const std::string& pem : {std::string(), std::string("garbage"), rsa, std::string(100'000, 'x')}) {
    auto root = make_root({.key_pem = pem, .subject = "x"}, {"a.org"});
    REQUIRE_FALSE(root);
    CHECK(root.error().code == ErrorCode::invalid);
    CHECK(root.error().message == "the key of the certificate authority is not a P-256 key in PEM");
    CHECK_FALSE(Issuer::make({.key_pem = pem, .subject = "x"}));
  }
}

TEST_CASE("certs: what is no name, or too many, makes no root") {
  auto one = authority();
  for (const char* name : {"", "*", "*.", ".a.org", "a..org", "a.org:443", "a b", "A.org", "10.0.0.1/8", "a.*.org"}) {
    INFO(name);
    auto root = make_root(one, {name});
    REQUIRE_FALSE(root);
    CHECK(root.error().code == ErrorCode::invalid);
  }
  CHECK_FALSE(make_root(one, {}));
  CHECK_FALSE(make_root(one, std::vector<std::string>(limits::kAuthorityNames + 1, "a.org")));
}

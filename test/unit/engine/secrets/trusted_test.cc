// The host's certificate authorities as text.
#include "engine/secrets/trusted.h"

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;

namespace {

const std::string kOne = "-----BEGIN CERTIFICATE-----\nONE\n-----END CERTIFICATE-----\n";
const std::string kTwo = "-----BEGIN CERTIFICATE-----\nTWO\n-----END CERTIFICATE-----\n";

}  // namespace

TEST_CASE("trusted: only the certificates of a list count") {
  CHECK(certificates_in(kOne + kTwo) == kOne + kTwo);
  CHECK(certificates_in("# M\xfcnchen\n" + kOne + "\n# b\n" + kTwo + "rest") == kOne + kTwo);
  CHECK(certificates_in("-----BEGIN PRIVATE KEY-----\nX\n-----END PRIVATE KEY-----\n").empty());
  CHECK(certificates_in("-----BEGIN CERTIFICATE-----\nONE\n").empty());
  CHECK(certificates_in("").empty());
}

TEST_CASE("trusted: SSL_CERT_FILE names the list") {
  test::TempDir directory;
  directory.put("list", "x\n" + kOne);
  std::string file = directory / "list";
  auto environment = [&](const std::string& name) {
    return name == "SSL_CERT_FILE" ? std::optional(file) : std::nullopt;
  };
  CHECK(trusted_authorities(environment) == kOne);
  directory.put("list", "nothing");
  CHECK(trusted_authorities(environment).error().sentence() ==
        file + " has no certificates (hint: name another file in SSL_CERT_FILE)");
  file = directory / "missing";
  auto error = trusted_authorities(environment).error();
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "this host has no list of certificate authorities");
}

// Which files are the certificates for a server.
#include "http/trust.h"

#include "catch.h"
#include "http/bounds.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

std::optional<std::string> nothing(const std::string&) { return std::nullopt; }

}  // namespace

TEST_CASE("trust: the host's CAs, the user's directory, and the variables") {
  auto paths = http::default_trust(nothing, "/home/u");
  CHECK(paths.directory == "/etc/ssl/certs");
  CHECK(paths.host_directories == std::vector<std::string>{"/home/u/.config/containers/certs.d",
                                                           "/etc/containers/certs.d", "/etc/docker/certs.d"});
  CHECK(http::default_trust(nothing, "").host_directories.size() == 2);
  auto own = http::default_trust(
      [](const std::string& name) {
        return name == "SSL_CERT_FILE" ? std::optional<std::string>("/ca.pem") : std::nullopt;
      },
      "");
  CHECK(own.bundles == std::vector<std::string>{"/ca.pem"});
  CHECK(own.directory.empty());
}

TEST_CASE("trust: bundles are read only where no directory has the list of CAs") {
  test::TempDir dir;
  auto bundles = [&](bool file) {
    return http::default_trust(
               [&](const std::string& name) -> std::optional<std::string> {
                 if (name == "SSL_CERT_DIR") return dir.path();
                 return name == "SSL_CERT_FILE" && file ? std::optional<std::string>("/ca.pem") : std::nullopt;
               },
               "")
        .bundles.size();
  };
  for (std::size_t i = 0; i < limits::kHostAuthorities; ++i) {
    CHECK(bundles(false) == 3);
    dir.put("000000" + std::to_string(10 + i) + ".0", "");
    dir.put(std::to_string(i) + ".pem", "");
  }
  CHECK(bundles(false) == 0);
  CHECK(bundles(true) == 1);
}

TEST_CASE("trust: certificates of a server, with and without its port") {
  test::TempDir dir;
  dir.put("a/host:5000/b.crt", "");
  dir.put("a/host:5000/a.crt", "");
  dir.put("a/host:5000/ignored.txt", "");
  dir.put("a/host/c.crt", "");
  dir.put("b/host/me.cert", "");
  dir.put("b/host/me.key", "");
  dir.put("a/[::1]:5000/six.crt", "");
  http::TrustPaths paths{.bundles = {}, .directory = "", .host_directories = {dir / "a", dir / "b"}};
  auto trust = http::trust_of(paths, "host", 5000).value();
  CHECK(trust.authorities == std::vector{dir / "a/host:5000/a.crt", dir / "a/host:5000/b.crt", dir / "a/host/c.crt"});
  CHECK(trust.certificate == dir / "b/host/me.cert");
  CHECK(trust.key == dir / "b/host/me.key");
  CHECK(trust.first_directory == dir / "a/host:5000");
  CHECK(http::trust_of(paths, "host", 443).value().authorities.size() == 1);
  CHECK(http::trust_of(paths, "::1", 5000).value().authorities.size() == 1);
  CHECK(http::trust_of(paths, "other", 443).value().authorities.empty());
  paths.any_certificate = {"host:5000", "all", "::1"};
  CHECK(http::trust_of(paths, "host", 5000).value().any_certificate);
  CHECK_FALSE(http::trust_of(paths, "host", 443).value().any_certificate);
  CHECK(http::trust_of(paths, "all", 443).value().any_certificate);
  CHECK(http::trust_of(paths, "::1", 443).value().any_certificate);
  CHECK_FALSE(http::trust_of(paths, "other", 443).value().any_certificate);
}

TEST_CASE("trust: a certificate without its key is an error, and a key without its certificate") {
  test::TempDir dir;
  dir.put("c/me.cert", "");
  dir.put("k/me.key", "");
  http::TrustPaths paths{.bundles = {}, .directory = "", .host_directories = {dir.path()}};
  CHECK(http::trust_of(paths, "c", 443).error().message == dir / "c/me.cert" + " has no key beside it");
  CHECK(http::trust_of(paths, "k", 443).error().message == dir / "k/me.key" + " has no certificate beside it");
}

// The guest's lists of authorities: each distribution's own, and everything else in them stays.
#include "guest/trust_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "guest/bounds.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::guest;
namespace fs = std::filesystem;

namespace {

const std::string kOwn = "# Own CA\n-----BEGIN CERTIFICATE-----\nOWN\n-----END CERTIFICATE-----\n";
const std::string kNew = "-----BEGIN CERTIFICATE-----\nNEW\n-----END CERTIFICATE-----\n";
const std::string kOther = "-----BEGIN CERTIFICATE-----\nOTHER\n-----END CERTIFICATE-----\n";
const std::string kList = "etc/ssl/certs/ca-certificates.crt";

std::string with(const std::string& list, const std::string& certificate) {
  return list + "# banger: begin\n" + certificate + "# banger: end\n";
}

struct Fixture {
  void put(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(inside / path).parent_path());
    inside.put(path, text);
  }
  void link(const std::string& target, const std::string& path) {
    fs::create_directories(fs::path(inside / path).parent_path());
    fs::create_symlink(target, inside / path);
  }
  Result<> set(const std::string& certificate, const std::map<std::string, std::string>& environment = {}) {
    return set_authority(*root, certificate, environment);
  }
  ino_t inode(const std::string& path) {
    struct stat info{};
    REQUIRE(::lstat((inside / path).c_str(), &info) == 0);
    return info.st_ino;
  }

  test::TempDir inside, outside;
  Result<Root> root = Root::open(inside.path());
};

}  // namespace

TEST_CASE_METHOD(Fixture, "trust store: Debian and Alpine have one list, to which the certificate is added once") {
  if (::geteuid() != 0) return;  // files of root
  put(kList, kOwn);
  fs::permissions(inside / kList, fs::perms(0640));
  link("certs/ca-certificates.crt", "etc/ssl/cert.pem");
  REQUIRE(set(kNew));
  CHECK(inside.get(kList) == with(kOwn, kNew));
  CHECK((fs::status(inside / kList).permissions() & fs::perms(0777)) == fs::perms(0640));
  CHECK(inside.get("usr/local/share/ca-certificates/banger.crt") == kNew);
  CHECK(fs::is_symlink(inside / "etc/ssl/cert.pem"));
  CHECK_FALSE(fs::exists(inside / "etc/pki"));

  auto before = inode(kList);
  REQUIRE(set(kNew));
  CHECK(inode(kList) == before);
  REQUIRE(set(kOther));
  CHECK(inside.get(kList) == with(kOwn, kOther));
  REQUIRE(set(""));
  CHECK(inside.get(kList) == kOwn);
  CHECK_FALSE(fs::exists(inside / "usr/local/share/ca-certificates/banger.crt"));
}

TEST_CASE_METHOD(Fixture, "trust store: Fedora has its list elsewhere, and the path of Debian leads there") {
  if (::geteuid() != 0) return;
  const std::string extracted = "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem";
  put(extracted, kOwn);
  fs::create_directories(inside / "etc/pki/ca-trust/source/anchors");
  link("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "etc/pki/tls/certs/ca-bundle.crt");
  link("../pki/tls/certs", "etc/ssl/certs");
  REQUIRE(set(kNew));
  CHECK(inside.get(extracted) == with(kOwn, kNew));
  CHECK(inside.get("etc/pki/ca-trust/source/anchors/banger.pem") == kNew);
  CHECK(root->read_file(kAuthoritiesPath, 10000) == with(kOwn, kNew));
  CHECK(root->link_target("/etc/pki/tls/certs/ca-bundle.crt") == "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
  REQUIRE(set(""));
  CHECK(inside.get(extracted) == kOwn);
  CHECK_FALSE(fs::exists(inside / "etc/pki/ca-trust/source/anchors/banger.pem"));
}

TEST_CASE_METHOD(Fixture, "trust store: a guest without any list gets one") {
  if (::geteuid() != 0) return;
  REQUIRE(set(kNew));
  CHECK(inside.get(kList) == with("", kNew));
  REQUIRE(set(""));
  CHECK(inside.get(kList).empty());
}

TEST_CASE_METHOD(Fixture, "trust store: a list that a tool made with the certificate stays as it is") {
  if (::geteuid() != 0) return;
  put(kList, kOwn + kNew);
  auto before = inode(kList);
  REQUIRE(set(kNew));
  CHECK(inside.get(kList) == kOwn + kNew);
  CHECK(inode(kList) == before);
}

TEST_CASE_METHOD(Fixture, "trust store: a list that a variable names gets the certificate too") {
  if (::geteuid() != 0) return;
  put(kList, kOwn);
  put("opt/app/cas.pem", kOther);
  REQUIRE(set(kNew, {{"SSL_CERT_FILE", "/opt/app/cas.pem"}, {"REQUESTS_CA_BUNDLE", "relative"}}));
  CHECK(inside.get("opt/app/cas.pem") == with(kOther, kNew));
  CHECK(inside.get(kList) == with(kOwn, kNew));
}

TEST_CASE_METHOD(Fixture, "trust store: links that lead out, in circles or to no file change nothing outside") {
  if (::geteuid() != 0) return;
  outside.put("list", kOwn);
  link(outside / "list", kList);
  link("/etc/ssl/b.pem", "etc/ssl/cert.pem");
  link("/etc/ssl/cert.pem", "etc/ssl/b.pem");
  fs::create_directories(inside / "etc/ssl/ca-bundle.pem");
  REQUIRE(set(kNew));
  CHECK(outside.get("list") == kOwn);
  // The link led nowhere in the guest, so the guest had no list.
  CHECK(root->read_file(kAuthoritiesPath, 10000) == with("", kNew));
}

TEST_CASE_METHOD(Fixture, "trust store: a list beyond the limit stays as it is") {
  if (::geteuid() != 0) return;
  put(kList, std::string(limits::kTrustListBytes + 1, 'x'));
  REQUIRE(set(kNew));
  CHECK(inside.get(kList).size() == limits::kTrustListBytes + 1);
}

TEST_CASE_METHOD(Fixture, "trust store: a guest that never had a certificate is not touched") {
  put(kList, kOwn);
  REQUIRE(set(""));
  CHECK(inside.get(kList) == kOwn);
  CHECK(std::distance(fs::directory_iterator(inside.path()), fs::directory_iterator()) == 1);
}

// The owner's authority: one key, made once, and a certificate for each set of hosts.
#include "engine/secrets/authority.h"

#include <sys/stat.h>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture {
  test::TempDir directory;
  std::string path = directory / "secrets";
  OwnerAuthority authority{path, "banger of me@box"};
  std::vector<vm::Secret> secrets{{.name = "A", .hosts = {"a.org", "*.b.org:8443"}}};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "authority: the key is made when it is first needed, and nobody else can read it") {
  CHECK_FALSE(std::filesystem::exists(path));
  auto made = authority.get();
  REQUIRE(made);
  CHECK(made->subject == "banger of me@box");
  CHECK(made->key_pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  struct stat info{};
  REQUIRE(::stat((path + "/authority.key").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  CHECK(std::distance(std::filesystem::directory_iterator(path), {}) == 1);
}

TEST_CASE_METHOD(Fixture, "authority: another daemon has the same key and name, whatever the host is called now") {
  auto made = authority.get();
  REQUIRE(made);
  auto again = OwnerAuthority(path, "banger of me@other").get();
  REQUIRE(again);
  CHECK(again->key_pem == made->key_pem);
  CHECK(again->subject == "banger of me@box");
}

TEST_CASE_METHOD(Fixture, "authority: a file without a key is an error that says where it is") {
  for (auto text : {"", "banger of me@box\n", "banger of me@box\nno key\n", "-----BEGIN PRIVATE KEY-----\n"}) {
    directory.put("secrets/authority.key", text);
    auto error = OwnerAuthority(path, "x").get().error();
    CHECK(error.sentence() ==
          path + "/authority.key: it has no key (hint: move it away; banger then makes another key)");
  }
}

TEST_CASE_METHOD(Fixture, "authority: guests with equal hosts have one certificate, others have another one") {
  auto root = authority.root_for(secrets);
  REQUIRE(root);
  CHECK(root->starts_with("-----BEGIN CERTIFICATE-----\n"));
  CHECK(*authority.root_for(secrets) == *root);
  auto same = secrets;
  same[0].name = "B";
  same.push_back({.name = "C", .hosts = {"a.org:444"}});
  CHECK(*authority.root_for(same) == *root);
  secrets[0].hosts.emplace_back("c.org");
  auto other = authority.root_for(secrets);
  REQUIRE(other);
  CHECK(*other != *root);
}

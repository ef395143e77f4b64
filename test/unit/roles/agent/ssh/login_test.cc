#include "roles/agent/ssh/login.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "host/files.h"
#include "host/ssh_key.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::agent;
using namespace banger::roles::agent::ssh;

namespace {

Owned<ssh_key> public_of(const std::string& line) {
  auto keys = parse_authorized_keys(line);
  REQUIRE(keys.size() == 1);
  ssh_key key = nullptr;
  REQUIRE(ssh_pki_import_pubkey_base64(keys[0].base64.c_str(), SSH_KEYTYPE_ED25519, &key) == SSH_OK);
  return Owned<ssh_key>(key);
}

}  // namespace

TEST_CASE("ssh login: keys of authorized_keys, without lines that have options") {
  auto keys = parse_authorized_keys(
      "# comment\n\n  ssh-ed25519   AAAA   me@here  \nssh-rsa BBBB\r\n"
      "command=\"ls\" ssh-ed25519 CCCC\nno-pty ssh-ed25519 DDDD\nssh-ed25519\nnonsense EEEE\n");
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].type == "ssh-ed25519");
  CHECK(keys[0].base64 == "AAAA");
  CHECK(keys[1].base64 == "BBBB");
}

TEST_CASE("ssh login: a key is known by its value and not by its comment") {
  auto mine = *host::make_ssh_key("mine"), other = *host::make_ssh_key("other");
  auto keys = parse_authorized_keys("ssh-ed25519 broken\n" + mine.public_key);
  CHECK(has_key(keys, public_of(mine.public_key).get()));
  CHECK_FALSE(has_key(keys, public_of(other.public_key).get()));
  CHECK_FALSE(has_key({}, public_of(mine.public_key).get()));
}

TEST_CASE("ssh login: a file that others may write to does not count") {
  test::TempDir home;
  User user{.name = "me", .uid = ::geteuid(), .gid = ::getegid(), .home = home.path()};
  CHECK(read_authorized_keys(user).empty());
  std::filesystem::create_directory(home / ".ssh");
  home.put(".ssh/authorized_keys", "ssh-ed25519 AAAA\n");
  for (const char* path : {".ssh/authorized_keys", ".ssh", "."}) {
    INFO(path);
    for (const char* each : {".ssh/authorized_keys", ".ssh", "."}) REQUIRE(::chmod((home / each).c_str(), 0700) == 0);
    CHECK(read_authorized_keys(user) == "ssh-ed25519 AAAA\n");
    REQUIRE(::chmod((home / path).c_str(), 0720) == 0);
    CHECK(read_authorized_keys(user).empty());
  }
}

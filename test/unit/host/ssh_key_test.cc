// Host keys against OpenSSH's own reader.
#include "host/ssh_key.h"

#include <cstdio>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"
#include "host/runtime.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

TEST_CASE("ssh key: every one is another, and the comment is at the end of the public half") {
  auto first = make_ssh_key("root@web"), second = make_ssh_key("root@web");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->private_key != second->private_key);
  CHECK(first->public_key != second->public_key);
  CHECK_THAT(first->public_key, Catch::StartsWith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
  CHECK_THAT(first->public_key, Catch::EndsWith(" root@web\n"));
}

TEST_CASE("ssh key: ssh-keygen finds the public half in the private one, for any length of comment") {
  auto tool = find_program("ssh-keygen", "/usr/bin:/usr/local/bin");
  if (!tool) {
    std::puts(
        "SKIPPED: ssh key: ssh-keygen finds the public half in the private one, whatever the comment's length: no "
        "ssh-keygen here");
    return;
  }
  test::TempDir dir;
  for (std::string comment : {"", "a", "root@web", "root@a-name-of-some-length"}) {
    CAPTURE(comment);
    auto key = make_ssh_key(comment);
    REQUIRE(key);
    auto path = dir / "key";
    REQUIRE(write_file(path, key->private_key, 0600));
    Runtime runtime;
    auto told =
        test::run(runtime, run_command(runtime, {.argv = {*tool, "-y", "-f", path}}, after(std::chrono::seconds(20))));
    REQUIRE(told);
    CAPTURE(told->err);
    CHECK(trim(told->out) == trim(key->public_key));
  }
}

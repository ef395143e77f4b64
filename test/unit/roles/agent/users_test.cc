#include "roles/agent/users.h"

#include <sys/stat.h>

#include "catch.h"
#include "harness.h"
#include "roles/agent/bounds.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {
constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "broken line\n"
    "bad:x:minus:1::/:/bin/sh\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "dev:x:1000:1000:Dev,,,:/home/dev:\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin";
constexpr const char* kGroup =
    "root:x:0:\n"
    "adm:x:4:dev,other\n"
    "docker:x:999:other,dev\n"
    "devil:x:666:developer\n"
    "dev:x:1000:\n"
    "short:x\n";

std::string refusal(std::string_view who) {
  auto user = find_user(who, kPasswd, kGroup);
  return user ? "" : user.error().sentence();
}
}  // namespace

TEST_CASE("users: a name brings its ids, home, shell and supplementary groups") {
  auto user = find_user("dev", kPasswd, kGroup);
  REQUIRE(user);
  CHECK(user->uid == 1000);
  CHECK(user->gid == 1000);
  CHECK(user->home == "/home/dev");
  CHECK(user->shell == "/bin/sh");
  CHECK(user->groups == std::vector<gid_t>{4, 999, 1000});
}

TEST_CASE("users: a number with an entry is that user") {
  auto user = find_user("1000", kPasswd, kGroup);
  REQUIRE(user);
  CHECK(user->name == "dev");
  CHECK(user->groups.size() == 3);
}

TEST_CASE("users: a number without an entry needs none") {
  auto user = find_user("4242", kPasswd, kGroup);
  REQUIRE(user);
  CHECK(user->name.empty());
  CHECK(user->uid == 4242);
  CHECK(user->gid == 0);
  CHECK(user->home == "/");
}

TEST_CASE("users: a group given with the user replaces the user's own") {
  auto by_name = find_user("dev:docker", kPasswd, kGroup);
  REQUIRE(by_name);
  CHECK(by_name->gid == 999);
  CHECK(by_name->groups == std::vector<gid_t>{999});
  auto by_number = find_user("4242:77", kPasswd, kGroup);
  REQUIRE(by_number);
  CHECK(by_number->gid == 77);
}

TEST_CASE("users: root exists in a guest without passwd") {
  auto user = find_user("root", "", "");
  REQUIRE(user);
  CHECK(user->uid == 0);
  CHECK(user->home == "/root");
  CHECK(user->shell == "/bin/sh");
  CHECK(user->groups == std::vector<gid_t>{0});
  auto number = find_user("0", "", "");
  REQUIRE(number);
  CHECK(number->name == "root");
}

TEST_CASE("users: unknown names and malformed ids are refused by name") {
  CHECK(refusal("bob") == "there is no user 'bob' in the guest");
  CHECK(refusal("dev:wheel") == "there is no group 'wheel' in the guest");
  CHECK(refusal("bad") == "there is no user 'bad' in the guest");
  CHECK(refusal("4294967295") == "there is no user '4294967295' in the guest");
  CHECK(refusal("-1") == "there is no user '-1' in the guest");
  CHECK(refusal("") != "");
  CHECK(refusal(":0") != "");
}

TEST_CASE("users: lines without their last fields count, and a group may be left out after the colon") {
  auto user = find_user("app:", "app:x:1000:1001\n", "app:x:1001:\n");
  REQUIRE(user);
  CHECK(user->gid == 1001);
  CHECK(user->home == "/");
  CHECK(user->shell == "/bin/sh");
  CHECK(find_user("app", "app:x:1000:1001::relative:\n", "")->home == "/");
  CHECK_FALSE(find_user("app", "app:x:1000\n", ""));
}

TEST_CASE("users: files that are no files do not block, and count as empty") {
  test::TempDir etc;
  REQUIRE(::mkfifo((etc / "passwd").c_str(), 0600) == 0);
  REQUIRE(::mkdir((etc / "group").c_str(), 0700) == 0);
  REQUIRE(load_user("root", etc.path()));
  CHECK(load_user("1000:7", etc.path())->gid == 7);
  CHECK_FALSE(load_user("app", etc.path()));
  std::filesystem::remove(etc / "passwd");
  std::filesystem::create_symlink("/dev/zero", etc / "passwd");
  CHECK(load_user("root", etc.path())->home == "/root");
}

TEST_CASE("users: no user is in more groups than Linux can give") {
  std::string group;
  for (int gid = 1; gid <= 70'000; ++gid) group += "g:x:" + std::to_string(gid) + ":app\n";
  auto user = find_user("app", "app:x:1000:1000::/:/bin/sh\n", group);
  REQUIRE(user);
  CHECK(user->groups.size() <= limits::kSupplementaryGroups);
  CHECK(user->groups.size() > 60'000);
}

TEST_CASE("users: a change to the files is seen by the next command") {
  test::TempDir etc;
  auto write = [&](const char* name, const std::string& text) { REQUIRE(host::write_file(etc / name, text)); };
  write("passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n");
  write("group", "one:x:1:\n");
  Users users(etc.path());
  CHECK_FALSE(users.find("bob"));
  REQUIRE(users.find("ann"));
  CHECK(users.find("ann")->groups == std::vector<gid_t>{1000});
  write("group", "one:x:1:ann\n");
  CHECK(users.find("ann")->groups == std::vector<gid_t>{1, 1000});
  write("passwd", "bob:x:1001:1001::/home/bob:/bin/sh\n");
  CHECK(users.find("bob")->uid == 1001);
  CHECK_FALSE(users.find("ann"));
}

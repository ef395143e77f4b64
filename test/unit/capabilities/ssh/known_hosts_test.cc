#include "capabilities/ssh/known_hosts.h"

#include <sys/stat.h>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

const KnownHost kWeb{.id = "aaaaaaaaaaaa", .names = {"web"}, .key = "ssh-ed25519 AAAA"};
bool always(const std::string&) { return true; }

}  // namespace

TEST_CASE("known hosts: a VM has one line with its id and its names") {
  auto text = with_known_host("", kWeb, always);
  CHECK(text == "aaaaaaaaaaaa.vm,web.vm ssh-ed25519 AAAA\n");
  CHECK(with_known_host(text, kWeb, always) == text);
  auto renamed = kWeb;
  renamed.names = {"front", "aaa"};
  renamed.key = "ssh-ed25519 BBBB";
  CHECK(with_known_host(text, renamed, always) == "aaaaaaaaaaaa.vm,front.vm,aaa.vm ssh-ed25519 BBBB\n");
}

TEST_CASE("known hosts: a new VM takes the name of an old one, and lines of VMs that are gone leave") {
  auto db = KnownHost{.id = "bbbbbbbbbbbb", .names = {"db"}, .key = "ssh-ed25519 CCCC"};
  auto text = with_known_host(with_known_host("", kWeb, always), db, always);
  auto next = KnownHost{.id = "cccccccccccc", .names = {"web"}, .key = "ssh-ed25519 DDDD"};
  CHECK(with_known_host(text, next, always) ==
        "bbbbbbbbbbbb.vm,db.vm ssh-ed25519 CCCC\ncccccccccccc.vm,web.vm ssh-ed25519 DDDD\n");
  next.names = {"other"};
  CHECK(with_known_host(text, next, [](const std::string& id) { return id == "aaaaaaaaaaaa"; }) ==
        "aaaaaaaaaaaa.vm,web.vm ssh-ed25519 AAAA\ncccccccccccc.vm,other.vm ssh-ed25519 DDDD\n");
}

TEST_CASE("known hosts: another port of a VM has a line of its own, as ssh looks it up") {
  auto other = kWeb;
  other.port = 2222;
  auto text = with_known_host(with_known_host("", kWeb, always), other, always);
  CHECK(text == "aaaaaaaaaaaa.vm,web.vm ssh-ed25519 AAAA\n[aaaaaaaaaaaa.vm]:2222,[web.vm]:2222 ssh-ed25519 AAAA\n");
  CHECK(with_known_host(text, kWeb, [](const std::string& id) { return id == "aaaaaaaaaaaa"; }).size() == text.size());
}

TEST_CASE("known hosts: lines that nobody can read are left out") {
  auto none = [](const std::string&) { return false; };
  for (auto text : {"\n\n", "garbage", "no end", "\xff\xfe\n", ",,, ,"})
    CHECK(with_known_host(text, kWeb, none) == "aaaaaaaaaaaa.vm,web.vm ssh-ed25519 AAAA\n");
}

TEST_CASE("known hosts: the file is private, and is not written without a change") {
  test::TempDir dir;
  host::Paths paths{.home = {}, .config_file = {}, .state = dir.path(), .data = {}, .cache = {}};
  REQUIRE(remember_host(paths, kWeb, always));
  struct stat first{}, second{};
  REQUIRE(::stat(known_hosts_path(paths).c_str(), &first) == 0);
  CHECK((first.st_mode & 07777) == 0600);
  REQUIRE(remember_host(paths, kWeb, always));
  REQUIRE(::stat(known_hosts_path(paths).c_str(), &second) == 0);
  CHECK(first.st_ino == second.st_ino);
  CHECK(dir.get("ssh/known_hosts") == "aaaaaaaaaaaa.vm,web.vm ssh-ed25519 AAAA\n");
}

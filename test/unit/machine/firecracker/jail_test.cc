#include "machine/firecracker/jail.h"

#include <sys/stat.h>

#include <algorithm>
#include <iostream>

#include "../support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;

namespace {

constexpr uid_t kUser = 65534;

Jail jail_in(const std::string& base) {
  return {.jailer_binary = "/opt/jailer", .firecracker_binary = "/opt/firecracker", .base = base, .id = "abc-1", .uid = kUser, .gid = kUser, .parent_cgroup = ""};
}

struct stat info_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info;
}

bool is_root() {
  if (::geteuid() == 0) return true;
  std::cout << "SKIPPED: firecracker jail: files come in as links or copies, owned by its user: giving files away needs root\n";
  return false;
}

}  // namespace

TEST_CASE("firecracker jail: the jailer's command line, with Firecracker's arguments behind") {
  auto jail = jail_in("/srv/jails");
  CHECK(jailer_command_line(jail, {"--api-sock", "api.sock"}) ==
        std::vector<std::string>{"/opt/jailer", "--id", "abc-1", "--exec-file", "/opt/firecracker", "--uid", "65534", "--gid", "65534",
                                 "--chroot-base-dir", "/srv/jails", "--cgroup-version", "2", "--", "--api-sock", "api.sock"});
  jail.parent_cgroup = "banger/vms";
  auto argv = jailer_command_line(jail, {});
  auto at = std::ranges::find(argv, "--parent-cgroup");
  REQUIRE(at + 1 < argv.end());
  CHECK(at[1] == "banger/vms");
  CHECK(argv.back() == "--");
  CHECK(jail_root(jail) == "/srv/jails/firecracker/abc-1/root");
}

TEST_CASE("firecracker jail: what would lead out of it is refused") {
  CHECK(check(jail_in("/srv/jails")));
  for (auto id : {"", "../x", "a_b", "a/b", "a b"}) {
    auto jail = jail_in("/srv/jails");
    jail.id = id;
    CHECK(check(jail).error().code == ErrorCode::invalid);
  }
  for (auto cgroup : {"/banger", "../banger", "banger/../.."}) {
    auto jail = jail_in("/srv/jails");
    jail.parent_cgroup = cgroup;
    CHECK(!check(jail));
  }
  auto root = jail_in("/srv/jails");
  root.uid = 0;
  CHECK(!check(root));
  CHECK(!check(jail_in("srv/jails")));
}

TEST_CASE("firecracker jail: files come in as links or copies, owned by its user") {
  if (!is_root()) return;
  TemporaryDirectory directory;
  auto jail = jail_in(directory.path + "/jails");
  auto disk = directory.path + "/system.img", shared = directory.path + "/rootfs.ext4", secret = directory.path + "/guest.cpio";
  REQUIRE(host::write_file(disk, "disk", 0600));
  REQUIRE(host::write_file(shared, "rootfs", 0444));
  REQUIRE(host::write_file(secret, "secret", 0600));
  std::vector<JailFile> files = {{disk, "disk1", true}, {shared, "disk0"}, {secret, "initrd.img"}};
  for (int round = 0; round < 2; ++round) REQUIRE(fill_jail(jail, files));
  auto root = jail_root(jail);
  // What it writes is the disk itself.
  CHECK(info_of(root + "/disk1").st_ino == info_of(disk).st_ino);
  CHECK(info_of(disk).st_uid == kUser);
  // What all read stays whose it was, and what it may not read it gets a copy of.
  CHECK(info_of(root + "/disk0").st_ino == info_of(shared).st_ino);
  CHECK(info_of(shared).st_uid == 0);
  CHECK(info_of(root + "/initrd.img").st_ino != info_of(secret).st_ino);
  CHECK(info_of(root + "/initrd.img").st_uid == kUser);
  CHECK(info_of(secret).st_uid == 0);
  CHECK((info_of(root).st_mode & 0777) == 0700);
  REQUIRE(remove_jail(jail));
  CHECK(::access(jail_directory(jail).c_str(), F_OK) < 0);
  CHECK(host::read_file(disk, 100) == "disk");
  CHECK(remove_jail(jail));
}

TEST_CASE("firecracker jail: only files by plain names come in") {
  TemporaryDirectory directory;
  auto jail = jail_in(directory.path + "/jails");
  jail.uid = std::max<uid_t>(::geteuid(), 1);
  jail.gid = std::max<gid_t>(::getegid(), 1);
  auto file = directory.path + "/file";
  REQUIRE(host::write_file(file, "x"));
  REQUIRE(::symlink("/etc/passwd", (directory.path + "/link").c_str()) == 0);
  for (auto name : {"", ".", "..", "a/b", "../a"}) CHECK(!fill_jail(jail, {{file, name}}));
  CHECK(!fill_jail(jail, {{directory.path + "/link", "passwd"}}));
  CHECK(!fill_jail(jail, {{directory.path, "directory"}}));
  CHECK(fill_jail(jail, {{directory.path + "/none", "none"}}).error().code == ErrorCode::not_found);
}

TEST_CASE("firecracker jail: the process is known once the jailer has written it") {
  TemporaryDirectory directory;
  auto jail = jail_in(directory.path);
  CHECK(jailed_process(jail).error().code == ErrorCode::not_found);
  REQUIRE(host::make_directories(jail_root(jail)));
  auto file = jail_root(jail) + "/firecracker.pid";
  REQUIRE(host::write_file(file, ""));
  CHECK(jailed_process(jail).error().code == ErrorCode::not_found);
  REQUIRE(host::write_file(file, "4711\n"));
  CHECK(jailed_process(jail) == 4711);
  for (auto text : {"x", "-1", "1", "0", "99999999999"}) {
    REQUIRE(host::write_file(file, text));
    CHECK(jailed_process(jail).error().code == ErrorCode::corrupt);
  }
}

#include "machine/firecracker/jail.h"

#include "base/bounds.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;

namespace {

Jail jail_in(const std::string& base) {
  return {.jailer_binary = "/opt/jailer",
          .firecracker_binary = "/opt/firecracker",
          .base = base,
          .id = "abc-1",
          .uid = 65534,
          .gid = 65534,
          .cgroup = ""};
}

}  // namespace

TEST_CASE("firecracker jail: the jailer's command line, with Firecracker's arguments behind") {
  auto jail = jail_in("/run");
  // Without a cgroup the command line has no options for cgroups, and the jailer leaves cgroups alone.
  CHECK(jailer_command_line(jail, {"--api-sock", "api.sock"}) ==
        std::vector<std::string>{"/opt/jailer", "--id", "abc-1", "--exec-file", "/opt/firecracker", "--uid", "65534",
                                 "--gid", "65534", "--chroot-base-dir", "/run", "--", "--api-sock", "api.sock"});
  jail.cgroup = "banger/abc-1";
  auto argv = jailer_command_line(jail, {});
  CHECK(std::vector<std::string>(argv.end() - 5, argv.end()) ==
        std::vector<std::string>{"--cgroup-version", "2", "--parent-cgroup", "banger/abc-1", "--"});
  CHECK(jail_root(jail) == "/run/firecracker/abc-1/root");
}

TEST_CASE("firecracker jail: what the jailer refuses is refused before, and so is root") {
  CHECK(check(jail_in("/run")));
  for (auto id : {std::string(), std::string("a/b"), std::string(".."), std::string("a_b"), std::string(65, 'a')}) {
    auto jail = jail_in("/run");
    jail.id = id;
    CHECK(check(jail).error().code == ErrorCode::invalid);
  }
  for (auto cgroup : {"/x", "a/../b", "..", "a//b", "a/.", "a/"}) {
    auto jail = jail_in("/run");
    jail.cgroup = cgroup;
    CHECK(check(jail).error().code == ErrorCode::invalid);
  }
  auto root = jail_in("/run");
  root.uid = 0;
  CHECK(check(root).error().code == ErrorCode::unsupported);
  CHECK(!check(jail_in("run")));
}

TEST_CASE("firecracker jail: its files have the names that a machine is started with, and no others") {
  for (auto name : {"vmlinux", "initrd.img", "disk0", "disk31", "firecracker.log", "loaded.devices", "loaded.memory"})
    CHECK(is_jail_file_name(name));
  for (auto name : {"", ".", "..", "disk", "disk32", "disk01", "disk0/x", "../disk0", "dev", "firecracker",
                    "firecracker.pid", "api.sock", "saved.memory"}) {
    INFO(name);
    CHECK(!is_jail_file_name(name));
  }
}

TEST_CASE("firecracker jail: the process is known once the jailer has written it") {
  CHECK(parse_pid_file("").error().code == ErrorCode::not_found);
  CHECK(parse_pid_file("4711\n") == 4711);
  CHECK(parse_pid_file("4711") == 4711);
  for (auto text : {"x", "-1", "1", "0", "99999999999", "47 11", "4711x"})
    CHECK(parse_pid_file(text).error().code == ErrorCode::corrupt);
}

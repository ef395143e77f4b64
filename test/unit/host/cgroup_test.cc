// Control groups: on a made-up hierarchy, where every file can be read afterwards, and for real where this host has
// one.
#include "host/cgroup.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "catch.h"
#include "host/child.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;
using namespace std::chrono_literals;

namespace {

struct Tree {
  void file(const std::string& name, const std::string& text = "") const {
    REQUIRE(write_file(path + "/" + name, text));
  }
  void group(const std::string& name) const {
    REQUIRE(make_directories(path + "/" + name));
    file(name + "/cgroup.subtree_control");
  }
  std::string text(const std::string& name) const { return read_file(path + "/" + name, 1000).value_or("none"); }
  test::TempDir directory;
  std::string path = directory.path();
};

}  // namespace

TEST_CASE("cgroup: the hierarchy is found among the host's mounts, or there is none") {
  Tree tree;
  tree.file("mounts",
            "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified "
            "cgroup2 rw 0 0\n");
  CHECK(find_cgroups(tree.path + "/mounts") == "/sys/fs/cgroup/unified");
  tree.file("none", "proc /proc proc rw 0 0\nx\n\n");
  CHECK(!find_cgroups(tree.path + "/none"));
  CHECK(!find_cgroups(tree.path + "/missing"));
}

TEST_CASE("cgroup: of the controllers those count that limit something here") {
  Tree tree;
  CHECK(limiting_controllers(tree.path).empty());
  tree.file("cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
  CHECK(limiting_controllers(tree.path) == std::vector<std::string>{"cpu", "memory", "pids"});
}

TEST_CASE("cgroup: a group gets the limits that the hierarchy has files for, and others go without") {
  Tree tree;
  tree.group("banger");
  tree.group("banger/one");
  for (auto name : {"cpu.max", "pids.max"}) tree.file(std::string("banger/one/") + name);
  auto limited = make_cgroup(tree.path, "banger", "one", {.cpus = 3, .memory_bytes = 1 << 20, .tasks = 20});
  REQUIRE(limited);
  CHECK(*limited == std::vector<std::string>{"cpu", "pids"});
  CHECK(tree.text("banger/one/cpu.max") == "300000 100000");
  CHECK(tree.text("banger/one/pids.max") == "20");
  CHECK(tree.text("banger/one/memory.max") == "none");
}

TEST_CASE("cgroup: ending a missing one is fine") {
  Tree tree;
  CHECK(end_cgroup(tree.path + "/none", 0ms));
}

TEST_CASE("cgroup: a process is put into a real one, killed with it, and the group is gone") {
  auto root = find_cgroups();
  if (!root || ::access((*root + "/cgroup.procs").c_str(), W_OK) < 0) {
    std::cout << "SKIPPED: cgroup: a process is put into a real one, killed with it, and the group is gone: no cgroup "
                 "v2 hierarchy that may be changed\n";
    return;
  }
  auto name = "banger-test-" + std::to_string(::getpid());
  auto made = make_cgroup(*root, name, "one", {.cpus = 1, .memory_bytes = 64 << 20, .tasks = 10});
  REQUIRE(made);
  auto group = *root + "/" + name + "/one";
  auto child = spawn({.argv = {"sleep", "1000"}, .env = {}});
  REQUIRE(child);
  REQUIRE(enter_cgroup(group, child->pid()));
  CHECK(read_file(group + "/cgroup.procs", 1000) == std::to_string(child->pid()) + "\n");
  REQUIRE(end_cgroup(group, 10s));
  CHECK(child->wait().signal == SIGKILL);
  CHECK(::access(group.c_str(), F_OK) < 0);
  REQUIRE(end_cgroup(*root + "/" + name, 1s));
}

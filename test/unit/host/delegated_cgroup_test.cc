// A delegated cgroup in a hierarchy with the kernel's rules.
#include "host/delegated_cgroup.h"

#include "catch.h"
#include "support/fake_cgroups.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;
using banger::test::FakeCgroups;

namespace {

Result<DelegatedCgroup> take(FakeCgroups& tree) { return DelegatedCgroup::take(tree, *tree.place()); }

}  // namespace

TEST_CASE("delegated cgroup: the process moves into a leaf, so that its group can be divided among machines") {
  FakeCgroups tree;
  auto taken = take(tree);
  REQUIRE(taken);
  CHECK(taken->controllers() == std::vector<std::string>{"cpu", "memory", "pids"});
  CHECK(taken->parent() == "/cg/user/banger/machines");
  CHECK(tree.groups["/cg/user/banger/daemon"].processes == std::set{FakeCgroups::kPid});
  CHECK(tree.groups["/cg/user/banger"].processes.empty());
  REQUIRE(taken->make("abc", {.memory_bytes = 1 << 20, .tasks = 20}));
  CHECK(tree.groups["/cg/user/banger/machines/abc"].limits ==
        std::map<std::string, std::string>{{"memory.max", "1048576"}, {"pids.max", "20"}, {"cpu.weight", "100"}});
  CHECK(taken->names() == std::vector<std::string>{"abc"});
}

TEST_CASE("delegated cgroup: a second daemon takes it again, wherever it begins, and keeps the machines") {
  FakeCgroups tree;
  auto first = take(tree);
  REQUIRE(first);
  REQUIRE(first->make("abc", {.memory_bytes = 1 << 20, .tasks = 20}));
  // Started by the first daemon, or by systemd with DelegateSubgroup=daemon.
  REQUIRE(tree.start_again("/user/banger/daemon"));
  auto second = take(tree);
  REQUIRE(second);
  CHECK(second->parent() == first->parent());
  CHECK(second->names() == std::vector<std::string>{"abc"});
  // An older systemd starts a process in the group itself, where the kernel refuses it while the group is divided.
  CHECK(!tree.start_again("/user/banger"));
  second->end();
  REQUIRE(tree.start_again("/user/banger"));
  auto third = take(tree);
  REQUIRE(third);
  REQUIRE(third->make("abc", {.memory_bytes = 2 << 20, .tasks = 20}));
  CHECK(tree.groups["/cg/user/banger/machines/abc"].limits["memory.max"] == "2097152");
}

TEST_CASE("delegated cgroup: the root of a hierarchy may have processes, so nothing moves there") {
  FakeCgroups tree("/");
  tree.groups["/cg"].processes = {1, FakeCgroups::kPid};
  auto taken = take(tree);
  REQUIRE(taken);
  CHECK(taken->parent() == "/cg/banger-machines");
  CHECK(tree.groups["/cg"].processes.size() == 2);
  taken->end();
  CHECK(!tree.groups["/cg"].divided.empty());
}

TEST_CASE("delegated cgroup: what cannot be divided is left alone, and the error says why and has a way out") {
  auto refused = [](FakeCgroups& tree, ErrorCode code, std::string_view part) {
    auto before = tree.groups.size();
    auto taken = take(tree);
    REQUIRE(!taken);
    CHECK(taken.error().code == code);
    CHECK(taken.error().message.find(part) != std::string::npos);
    CHECK(!taken.error().hint.empty());
    CHECK(tree.groups.size() == before);
  };
  FakeCgroups shared;
  shared.groups["/cg/user/banger"].processes.insert(7);  // a shell, in the same group
  refused(shared, ErrorCode::busy, "1 other processes are in the cgroup /cg/user/banger");
  FakeCgroups foreign;
  foreign.groups["/cg/user/banger"].ours = false;
  refused(foreign, ErrorCode::denied, "/cg/user/banger is not delegated");
  FakeCgroups bare;
  bare.groups["/cg/user"].divided.clear();
  refused(bare, ErrorCode::unsupported, "has no controllers");
}

TEST_CASE("delegated cgroup: only some controllers limit where the host has only some") {
  FakeCgroups tree;
  tree.groups["/cg/user"].divided = {"pids"};
  auto taken = take(tree);
  REQUIRE(taken);
  REQUIRE(taken->make("abc", {.memory_bytes = 1, .tasks = 2}));
  CHECK(tree.groups["/cg/user/banger/machines/abc"].limits == std::map<std::string, std::string>{{"pids.max", "2"}});
}

TEST_CASE("delegated cgroup: the place of a process is read from its files") {
  test::TempDir directory;
  auto place_in = [&](std::string_view mounts, std::string_view groups) {
    REQUIRE(write_file(directory.path() + "/mounts", mounts));
    REQUIRE(write_file(directory.path() + "/groups", groups));
    return HostCgroupTree(directory.path() + "/mounts", directory.path() + "/groups").place();
  };
  constexpr auto kMounts = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
  auto place = place_in(kMounts, "1:cpu:/x\n0::/user.slice/a.scope\n");
  REQUIRE(place);
  CHECK(place->root == "/sys/fs/cgroup");
  CHECK(place->group == "/user.slice/a.scope");
  CHECK(place->pid == ::getpid());
  CHECK(!place_in(kMounts, "0::/../other\n"));
  CHECK(!place_in(kMounts, "1:cpu:/x\n"));
  CHECK(!place_in("", "0::/\n"));
}

// Memory limits of cgroups, in directories that look like the kernel's.
#include "host/memory.h"

#include <fmt/format.h>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kNoLimit = 9223372036854771712;  // what version 1 has instead of no limit

/// A host with a hierarchy of either version at `mount`.
struct Host {
  explicit Host(std::string groups) : files{.groups = directory / "cgroup", .mounts = directory / "mountinfo"} {
    REQUIRE(host::write_file(files.groups, groups));
  }
  void mount(std::string_view type, std::string_view options, std::string_view root = "/") {
    mounts +=
        fmt::format("30 20 0:26 {} {} rw,nosuid shared:4 - {} cgroup rw,{}\n", root, directory / "fs", type, options);
    REQUIRE(host::write_file(files.mounts, mounts));
  }
  void put(const std::string& group, const std::string& file, const std::string& content) {
    REQUIRE(host::make_directories((directory / "fs") + group, 0700));
    REQUIRE(host::write_file((directory / "fs") + group + "/" + file, content + "\n"));
  }
  void group2(const std::string& group, const std::string& max, std::uint64_t used, std::uint64_t cache = 0) {
    put(group, "memory.max", max);
    put(group, "memory.high", "max");
    put(group, "memory.current", std::to_string(used));
    put(group, "memory.stat", fmt::format("anon 1\ninactive_file {}\nactive_file 5", cache));
  }
  void group1(const std::string& group, std::uint64_t limit, std::uint64_t used, std::uint64_t cache = 0) {
    put(group, "memory.limit_in_bytes", std::to_string(limit));
    put(group, "memory.usage_in_bytes", std::to_string(used));
    put(group, "memory.stat", fmt::format("inactive_file 7\ntotal_inactive_file {}", cache));
  }

  test::TempDir directory;
  host::CgroupFiles files;
  std::string mounts;
};

}  // namespace

TEST_CASE("memory: the tightest group of version 2 counts, wherever in the chain it is") {
  Host h("0::/user.slice/app\n");
  h.mount("cgroup2", "nsdelegate");
  h.group2("/user.slice/app", fmt::to_string(900 * kMiB), 100 * kMiB);
  h.group2("/user.slice", fmt::to_string(700 * kMiB), 300 * kMiB);
  auto room = host::tightest_cgroup(h.files);
  REQUIRE(room);
  CHECK(room->bytes == 400 * kMiB);
  CHECK(room->owner() == "the cgroup /user.slice (its limit is 700M)");
  CHECK(host::bounded_by_cgroups(4096 * kMiB, h.files) == 700 * kMiB);
  CHECK(host::bounded_by_cgroups(64 * kMiB, h.files) == 64 * kMiB);
}

TEST_CASE("memory: clean copies of files count as free, and a limit that throttles is a limit") {
  Host h("0::/app\n");
  h.mount("cgroup2", "rw");
  h.group2("/app", "max", 500 * kMiB, 200 * kMiB);
  CHECK_FALSE(host::tightest_cgroup(h.files));
  h.put("/app", "memory.high", fmt::to_string(600 * kMiB));
  CHECK(host::tightest_cgroup(h.files)->bytes == 300 * kMiB);
}

TEST_CASE("memory: version 1 has the same answer, beside a version 2 without a memory controller") {
  Host h("12:cpu,cpuacct:/other\n5:memory:/app/deep\n0::/\n");
  h.mount("cgroup", "memory");
  h.mount("cgroup2", "rw");
  h.group1("/app/deep", kNoLimit, 300 * kMiB);
  h.group1("/app", 700 * kMiB, 300 * kMiB, 50 * kMiB);
  auto room = host::tightest_cgroup(h.files);
  REQUIRE(room);
  CHECK(room->bytes == 450 * kMiB);
  CHECK(room->cgroup == "/app");
}

TEST_CASE("memory: a container that sees a part of the hierarchy finds its own group") {
  Host h("0::/docker/abc\n");
  h.mount("cgroup2", "rw", "/docker/abc");
  h.group2("", fmt::to_string(100 * kMiB), 90 * kMiB);
  auto room = host::tightest_cgroup(h.files);
  REQUIRE(room);
  CHECK(room->bytes == 10 * kMiB);
  CHECK(room->cgroup == "/");
}

TEST_CASE("memory: a group that uses more than its limit has no room") {
  Host h("0::/app\n");
  h.mount("cgroup2", "rw");
  h.group2("/app", fmt::to_string(100 * kMiB), 120 * kMiB);
  CHECK(host::tightest_cgroup(h.files)->bytes == 0);
}

TEST_CASE("memory: without cgroups, or with files that make no sense, no group has a limit") {
  CHECK_FALSE(host::tightest_cgroup({.groups = "/nonexistent", .mounts = "/nonexistent"}));
  Host h("nonsense\n0:\n:::\n");
  h.mount("cgroup2", "rw");
  h.mounts += "x - y\n - \n";
  CHECK_FALSE(host::tightest_cgroup(h.files));
}

TEST_CASE("memory: this host has some") {
  auto room = host::available_memory();
  REQUIRE(room.has_value());
  CHECK(room->bytes > 0);
}

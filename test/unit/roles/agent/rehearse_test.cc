#include "roles/agent/rehearse.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "harness.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::agent;

extern const char __executable_start, etext;

namespace {

/// Whether every page of our own program is in memory.
bool all_mapped() {
  auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start) / page * page;
  auto bytes = reinterpret_cast<std::uintptr_t>(&etext) - begin;
  std::vector<unsigned char> there((bytes + page - 1) / page);
  if (::mincore(reinterpret_cast<void*>(begin), bytes, there.data()) < 0) return false;
  for (auto one : there)
    if (!(one & 1)) return false;
  return true;
}

timespec changed_at(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mtim : timespec{};
}

}  // namespace

TEST_CASE("rehearse: what a clone writes first is written, and says what it said") {
  test::TempDir root;
  std::filesystem::create_directories(root / "etc");
  REQUIRE(host::write_file(root / "etc/hostname", "t\n"));
  timespec old[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (root / "etc/hostname").c_str(), old, 0) == 0);
  REQUIRE(rehearse(root.path()));
  CHECK(host::read_file(root / "etc/hostname", 16) == "t\n");
  CHECK(changed_at(root / "etc/hostname").tv_sec > 1000);
  CHECK(all_mapped());
}

TEST_CASE("rehearse: a guest without that file has nothing written, and a link is not followed") {
  test::TempDir root;
  CHECK(rehearse(root.path()));
  std::filesystem::create_directories(root / "etc");
  CHECK(rehearse(root.path()));
  CHECK_FALSE(std::filesystem::exists(root / "etc/hostname"));
  REQUIRE(host::write_file(root / "other", "theirs"));
  timespec old[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (root / "other").c_str(), old, 0) == 0);
  REQUIRE(::symlink("../other", (root / "etc/hostname").c_str()) == 0);
  CHECK_FALSE(rehearse(root.path()));
  CHECK(changed_at(root / "other").tv_sec == 1000);
}

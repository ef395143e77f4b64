#include "roles/agent/warm_up.h"

#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "harness.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

/// Whether every page of this program's code and constants is in memory.
bool all_mapped() {
  bool mapped = true;
  auto look = [](dl_phdr_info* object, std::size_t, void* all) {
    auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const auto& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) continue;
      auto begin = (object->dlpi_addr + segment.p_vaddr) / page * page;
      auto bytes = object->dlpi_addr + segment.p_vaddr + segment.p_memsz - begin;
      std::vector<unsigned char> there((bytes + page - 1) / page);
      bool known = ::mincore(reinterpret_cast<void*>(begin), bytes, there.data()) == 0;
      if (!known || std::ranges::any_of(there, [](auto one) { return !(one & 1); })) *static_cast<bool*>(all) = false;
    }
    return 1;
  };
  ::dl_iterate_phdr(look, &mapped);
  return mapped;
}

timespec changed_at(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mtim : timespec{};
}

}  // namespace

TEST_CASE("warm_up: the first file that a clone writes is overwritten with its own content") {
  test::TempDir root;
  std::filesystem::create_directories(root / "etc");
  REQUIRE(host::write_file(root / "etc/hostname", "t\n"));
  timespec old[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (root / "etc/hostname").c_str(), old, 0) == 0);
  REQUIRE(warm_up(root.path()));
  CHECK(host::read_file(root / "etc/hostname", 16) == "t\n");
  CHECK(changed_at(root / "etc/hostname").tv_sec > 1000);
  CHECK(all_mapped());
}

TEST_CASE("warm_up: without that file nothing is written, and a link is not followed") {
  test::TempDir root;
  CHECK(warm_up(root.path()));
  std::filesystem::create_directories(root / "etc");
  CHECK(warm_up(root.path()));
  CHECK_FALSE(std::filesystem::exists(root / "etc/hostname"));
  REQUIRE(host::write_file(root / "other", "theirs"));
  timespec old[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (root / "other").c_str(), old, 0) == 0);
  REQUIRE(::symlink("../other", (root / "etc/hostname").c_str()) == 0);
  CHECK_FALSE(warm_up(root.path()));
  CHECK(changed_at(root / "other").tv_sec == 1000);
}

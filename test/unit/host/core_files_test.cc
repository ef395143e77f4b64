// What core files have of a process.
#include "host/core_files.h"

#include "catch.h"
#include "host/child.h"
#include "host/files.h"

using namespace banger;

namespace {

constexpr const char* kFilter = "/proc/self/coredump_filter";

}  // namespace

TEST_CASE("core files: they have no memory of this process or its children") {
  auto before = host::read_file(kFilter, 100);
  REQUIRE(before);
  REQUIRE(host::keep_memory_out_of_core_files());
  auto child = host::spawn(
      {.argv = {"/bin/sh", "-c", "test $((0x$(cat /proc/self/coredump_filter))) = 0"}, .env = {"PATH=/usr/bin:/bin"}});
  REQUIRE(child);
  CHECK(child->wait().shell_code() == 0);
  CHECK(std::stoul(*host::read_file(kFilter, 100), nullptr, 16) == 0);
  auto file = host::open_file(kFilter, 1);
  REQUIRE(file);
  CHECK(host::write_all(file->get(), "0x" + *before));
}

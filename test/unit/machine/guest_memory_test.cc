#include "machine/guest_memory.h"

#include <sys/mman.h>

#include <cstring>
#include <string>

#include "catch.h"
#include "host/files.h"
#include "mapped_process.h"
#include "support.h"

using namespace banger;
using namespace banger::machine;
using test::base_content;
using test::kBytes;
using test::kPage;
using test::kPages;
using test::MappedProcess;

TEST_CASE(
    "guest memory: of a private mapping only the pages that were written are saved, on top of a copy of the file") {
  TempDir directory;
  auto base = directory.path() + "/base", copy = directory.path() + "/copy";
  REQUIRE(host::write_file(base, base_content()));
  MappedProcess vmm(base, MAP_PRIVATE);
  auto memory = find_guest_memory(vmm.pid(), base, kBytes);
  REQUIRE(memory);
  CHECK(!memory->shared);
  REQUIRE(host::clone_file(base, copy));
  CHECK(write_own_pages(*memory, copy).value() == 4 * kPage);
  auto expected = base_content();
  for (std::size_t page : {3, 4, 40}) std::memset(expected.data() + page * kPage, 'w', kPage);
  expected[20 * kPage] = 0;
  CHECK(host::read_file(copy, kBytes).value() == expected);
  CHECK(host::read_file(base, kBytes).value() == base_content());
}

TEST_CASE("guest memory: without a file all that is in use is saved, and zeros stay holes") {
  TempDir directory;
  MappedProcess vmm("", MAP_PRIVATE);
  auto memory = find_guest_memory(vmm.pid(), "", kBytes);
  REQUIRE(memory);
  CHECK(write_own_pages(*memory, directory.path() + "/saved").value() == 3 * kPage);
  auto saved = host::read_file(directory.path() + "/saved", kBytes).value();
  CHECK(saved.size() == kBytes);
  CHECK(saved.substr(3 * kPage, 2 * kPage) == std::string(2 * kPage, 'w'));
  CHECK(saved.substr(20 * kPage, kPage) == std::string(kPage, '\0'));
}

TEST_CASE("guest memory: a shared mapping has everything in its file already") {
  TempDir directory;
  auto base = directory.path() + "/base";
  REQUIRE(host::write_file(base, base_content()));
  MappedProcess vmm(base, MAP_SHARED);
  auto memory = find_guest_memory(vmm.pid(), base, kBytes);
  REQUIRE(memory);
  CHECK(memory->shared);
  CHECK(write_own_pages(*memory, directory.path() + "/none").value() == 0);
}

TEST_CASE("guest memory: a process without such a mapping, or none at all, is an error") {
  TempDir directory;
  auto base = directory.path() + "/base";
  REQUIRE(host::write_file(base, base_content()));
  MappedProcess vmm("", MAP_PRIVATE);
  CHECK(find_guest_memory(vmm.pid(), base, kBytes).error().code == ErrorCode::not_found);
  CHECK(find_guest_memory(vmm.pid(), "", kBytes * 4096).error().code == ErrorCode::not_found);
  CHECK(!find_guest_memory(0x7ffffff0, "", kBytes));
}

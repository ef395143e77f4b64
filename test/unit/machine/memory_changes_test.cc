#include "machine/memory_changes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "catch.h"
#include "host/files.h"
#include "mapped_process.h"
#include "support.h"

using namespace banger;
using namespace banger::machine;
using test::kBytes;
using test::kPage;
using test::kPages;
using test::MappedProcess;

namespace {

struct Fixture {
  Fixture() { REQUIRE(host::write_file(base, content)); }
  GuestMemory memory_of(const MappedProcess& process) {
    auto memory = find_guest_memory(process.pid(), base, kBytes);
    REQUIRE(memory);
    return *memory;
  }
  static std::string read(const GuestMemory& memory) {
    auto file = open_memory(memory, O_RDONLY);
    REQUIRE(file);
    std::string bytes(kBytes, '?');
    REQUIRE(::pread(file->get(), bytes.data(), kBytes, static_cast<off_t>(memory.address)) ==
            static_cast<ssize_t>(kBytes));
    return bytes;
  }
  /// The error for a file of these bytes.
  Result<> apply(const GuestMemory& memory, const std::string& bytes) {
    auto name = directory.path() + "/made-up";
    REQUIRE(host::write_file(name, bytes));
    return apply_changes(memory, name);
  }

  TempDir directory;
  std::string base = directory.path() + "/base", changes = directory.path() + "/changes";
  std::string content = test::base_content();
};

std::string run(std::uint64_t offset, std::uint64_t size, char fill = 'x') {
  std::string text(16, '\0');
  std::memcpy(text.data(), &offset, 8);
  std::memcpy(text.data() + 8, &size, 8);
  return text + std::string(size, fill);
}

}  // namespace

TEST_CASE(
    "memory changes: another machine on the same file becomes what the first one was, and the file stays as it is") {
  Fixture fixture;
  MappedProcess parent(fixture.base, MAP_PRIVATE), child(fixture.base, MAP_PRIVATE, test::Writes::no);
  auto from = fixture.memory_of(parent), to = fixture.memory_of(child);
  CHECK(count_changes(from).value() == 4 * kPage);
  CHECK(count_changes(to).value() == 0);
  CHECK(write_changes(from, fixture.changes).value() == 4 * kPage);
  CHECK(host::disk_usage(fixture.changes) < kBytes / 20);
  REQUIRE(apply_changes(to, fixture.changes));
  CHECK(Fixture::read(to) == Fixture::read(from));
  CHECK(Fixture::read(to) != fixture.content);
  CHECK(count_changes(to).value() == 4 * kPage);
  CHECK(host::read_file(fixture.base, kBytes).value() == fixture.content);
}

TEST_CASE("memory changes: a file that is there is not written over, and only its owner reads a new one") {
  Fixture fixture;
  MappedProcess parent(fixture.base, MAP_PRIVATE);
  auto from = fixture.memory_of(parent);
  REQUIRE(write_changes(from, fixture.changes));
  struct stat info{};
  REQUIRE(::stat(fixture.changes.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(write_changes(from, fixture.changes).error().code == ErrorCode::exists);
  CHECK(write_changes(from, fixture.base).error().code == ErrorCode::exists);
}

TEST_CASE("memory changes: runs longer than a piece are whole") {
  Fixture fixture;
  MappedProcess parent(fixture.base, MAP_PRIVATE, test::Writes::all),
      child(fixture.base, MAP_PRIVATE, test::Writes::no);
  auto from = fixture.memory_of(parent), to = fixture.memory_of(child);
  CHECK(write_changes(from, fixture.changes).value() == kBytes);
  REQUIRE(apply_changes(to, fixture.changes));
  CHECK(Fixture::read(to) == std::string(kBytes, 'a'));
}

TEST_CASE("memory changes: a shared mapping has none, for its file has every write") {
  Fixture fixture;
  MappedProcess parent(fixture.base, MAP_SHARED);
  CHECK(count_changes(fixture.memory_of(parent)).value() == 0);
}

TEST_CASE("memory changes: an incomplete file, and a file of another memory, are refused") {
  Fixture fixture;
  MappedProcess child(fixture.base, MAP_PRIVATE, test::Writes::no);
  auto to = fixture.memory_of(child);
  CHECK(fixture.apply(to, ""));
  CHECK(fixture.apply(to, run(0, kPage) + run(kPage, kPage)));
  for (const auto& bad : {std::string("short"), run(0, kPage).substr(0, 100), run(1, kPage), run(0, 100), run(0, 0),
                          run(kBytes, kPage), run(kBytes - kPage, 2 * kPage), run(~std::uint64_t{0} - kPage + 1, kPage),
                          run(2 * kPage, kPage) + run(0, kPage), run(0, 0).substr(0, 8) + std::string(8, '\xff')}) {
    auto refused = fixture.apply(to, bad);
    REQUIRE(!refused);
    CHECK(refused.error().code == ErrorCode::corrupt);
  }
  CHECK(apply_changes(to, fixture.directory.path() + "/none").error().code == ErrorCode::not_found);
}

#include "tar/file_content.h"

#include "support/fs_fixture.h"
#include "tar/bounds.h"
#include "tar/tar.h"

using namespace banger;
using namespace banger::tar;
using namespace banger::test;

namespace {

struct Sent {
  std::string flaw;     ///< what FileContent says
  std::string content;  ///< what arrives, or "(nothing)"
};

/// Sends a file of which stat(2) says `size`.
Sent send(const std::string& path, off_t size) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), tar(::memfd_create("tar", 0));
  struct stat info{};
  REQUIRE(::fstat(file.get(), &info) == 0);
  info.st_size = size;
  auto writer = TarWriter::open(tar.get());
  REQUIRE(writer.has_value());
  TarEntry entry{.path = "f", .kind = EntryKind::file, .mode = 0644, .size = size};
  auto flaw = FileContent().write(file.get(), entry, info, *writer);
  REQUIRE(flaw.has_value());
  if (*flaw) REQUIRE(writer->leave_out("f", **flaw).has_value());
  REQUIRE(writer->finish().has_value());
  REQUIRE(::lseek(tar.get(), 0, SEEK_SET) == 0);
  TempDir out;
  REQUIRE(unpack_tree(tar.get(), out.path(), {}).has_value());
  bool arrived = std::filesystem::exists(out / "f");
  return {flaw->value_or(""), arrived ? slurp(out / "f") : "(nothing)"};
}

std::string text(std::size_t size) {
  std::string made;
  while (made.size() < size) made += std::to_string(made.size()) + " ";
  made.resize(size);
  return made;
}

constexpr std::size_t kSmall = 1000, kLarge = 3'000'000;

}  // namespace

TEST_CASE("file content: what a reader gets arrives, whatever stat says of a small file") {
  TempDir dir;
  spill(dir / "f", text(kSmall));
  for (off_t size : {0, 10, 1000, 4096}) {
    CAPTURE(size);
    auto sent = send(dir / "f", size);
    CHECK(sent.flaw.empty());
    CHECK(sent.content == text(kSmall));
  }
}

TEST_CASE("file content: a large file without a size is collected first, up to a bound") {
  TempDir dir;
  spill(dir / "f", text(kLarge));
  auto sent = send(dir / "f", 0);
  CHECK(sent.flaw.empty());
  CHECK(sent.content == text(kLarge));
  REQUIRE(::truncate((dir / "f").c_str(), limits::kUnsizedBytes + 1) == 0);
  sent = send(dir / "f", 0);
  CHECK(sent.flaw == "its size is unknown, and it has more than 32M");
  CHECK(sent.content == "(nothing)");
}

TEST_CASE("file content: a file that became much shorter breaks the stream off") {
  UniqueFd file(::open("/proc/self/status", O_RDONLY | O_CLOEXEC)), tar(::memfd_create("tar", 0));
  struct stat info{};
  REQUIRE(::fstat(file.get(), &info) == 0);
  info.st_size = static_cast<off_t>(limits::kFillBytes + 1'000'000);
  auto writer = TarWriter::open(tar.get());
  REQUIRE(writer.has_value());
  TarEntry entry{.path = "f", .kind = EntryKind::file, .mode = 0644, .size = info.st_size};
  auto flaw = FileContent().write(file.get(), entry, info, *writer);
  REQUIRE_FALSE(flaw.has_value());
  CHECK(flaw.error().message == "it became shorter while it was read");
}

TEST_CASE("file content: of a file that grows, its first size arrives") {
  TempDir dir;
  spill(dir / "f", text(kLarge));
  auto sent = send(dir / "f", kLarge / 2);
  CHECK(sent.flaw.empty());
  CHECK(sent.content == text(kLarge).substr(0, kLarge / 2));
}

TEST_CASE("file content: a file that became shorter does not arrive") {
  TempDir dir;
  spill(dir / "f", text(kLarge));
  for (off_t size : {off_t{kLarge} + 1, off_t{2 * kLarge}}) {
    auto sent = send(dir / "f", size);
    CHECK(sent.flaw == "it became shorter while it was read");
    CHECK(sent.content == "(nothing)");
  }
  // With a hole at its end, the missing part looks like another hole.
  REQUIRE(::truncate((dir / "f").c_str(), 2 * kLarge) == 0);
  CHECK(send(dir / "f", 3 * kLarge).content == "(nothing)");
  CHECK(send(dir / "f", 2 * kLarge).content == text(kLarge) + std::string(kLarge, '\0'));
}

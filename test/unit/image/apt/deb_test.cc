// Debian packages: wanted files are extracted from every kind of data.tar, and hostile or damaged packages are refused.
#include "image/apt/deb.h"

#include <fcntl.h>

#include "catch.h"
#include "host/files.h"
#include "image/kernel/samples.h"

using namespace banger;
using namespace samples;

namespace {

Result<> extract(const TempDir& dir, const std::string& bytes, const image::DebFilter& filter) {
  std::filesystem::remove_all(dir / "out");
  std::filesystem::create_directory(dir / "out");
  write(dir / "package.deb", bytes);
  auto fd = TRY(host::open_file(dir / "package.deb", O_RDONLY));
  return image::extract_deb(fd.get(), dir / "out", filter);
}

std::optional<std::string> base_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

}  // namespace

TEST_CASE("deb: the wanted files come out of a package packed in any way") {
  TempDir dir;
  for (auto pack : {Pack::none, Pack::gzip, Pack::xz, Pack::zstd}) {
    auto bytes = deb({{"./", "", AE_IFDIR}, {"./boot/vmlinuz-6", "kernel"}, {"./boot/config-6", "x"}}, pack);
    auto filter = [](std::string_view path) {
      return path == "boot/vmlinuz-6" ? std::optional<std::string>("vmlinuz") : std::nullopt;
    };
    auto extracted = extract(dir, bytes, filter);
    INFO((extracted ? "" : extracted.error().message));
    REQUIRE(extracted);
    CHECK(*host::read_file(dir / "out/vmlinuz", 100) == "kernel");
    CHECK(std::distance(std::filesystem::directory_iterator(dir / "out"), {}) == 1);
  }
}

TEST_CASE("deb: links and special files are skipped, even when the filter wants them") {
  TempDir dir;
  auto bytes = deb({{"./a", "", AE_IFLNK, "/etc/passwd"}, {"./b", "", AE_IFIFO}, {"./c", "real"}});
  REQUIRE(extract(dir, bytes, base_name));
  CHECK(std::distance(std::filesystem::directory_iterator(dir / "out"), {}) == 1);
  CHECK(*host::read_file(dir / "out/c", 100) == "real");
}

TEST_CASE("deb: a name with a slash or dots never reaches the disk") {
  TempDir dir;
  auto bytes = deb({{"./a", "x"}});
  for (const char* name : {"../evil", "a/b", "", ".", "..", "/etc/x"}) {
    auto extracted = extract(dir, bytes, [&](std::string_view) { return std::optional<std::string>(name); });
    REQUIRE(!extracted);
    CHECK(extracted.error().code == ErrorCode::invalid);
  }
}

TEST_CASE("deb: other data, and a package cut short anywhere, is corrupt") {
  TempDir dir;
  std::string whole = deb({{"./a", std::string(5000, 'x')}});
  for (std::string bytes : {std::string(), std::string("hello"), std::string("!<arch>\n"),
                            "!<arch>\n" + ar_member("debian-binary", "2.0\n")}) {
    auto extracted = extract(dir, bytes, base_name);
    REQUIRE(!extracted);
    CHECK(extracted.error().code == ErrorCode::corrupt);
  }
  for (std::size_t size = 0; size < whole.size(); size += 11) {
    auto extracted = extract(dir, whole.substr(0, size), base_name);
    REQUIRE(!extracted);
    CHECK(extracted.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("deb: a member whose size is not a number is corrupt") {
  TempDir dir;
  std::string bytes = deb({{"./a", "x"}});
  bytes.replace(8 + 48, 10, "-1        ");
  auto extracted = extract(dir, bytes, base_name);
  REQUIRE(!extracted);
  CHECK(extracted.error().message.find("size") != std::string::npos);
}

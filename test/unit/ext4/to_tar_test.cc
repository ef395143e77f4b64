#include "ext4/to_tar.h"

#include "fixture.h"
#include "listing.h"

using namespace banger;
using namespace banger::test;

namespace {

std::string tar_of(const std::string& image) {
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  auto written = ext4::write_tar_from_ext4(image, fd.get());
  if (!written) FAIL(written.error().sentence());
  return slurp(fmt::format("/proc/self/fd/{}", fd.get()));
}

/// All kinds of files, with what is hard to keep.
std::string difficult_tree() {
  TarBytes tar;
  std::string acl("\2\0\0\0\1\0\7\0\xff\xff\xff\xff\2\0\5\0\x39\5\0\0\4\0\5\0\xff\xff\xff\xff", 28);
  acl += std::string("\x10\0\7\0\xff\xff\xff\xff\x20\0\1\0\xff\xff\xff\xff", 16);
  std::string capability("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  tar.directory("./", 0711).directory("./bin").file("./bin/tool", std::string(300'000, 'x'));
  tar.add({.name = "./bin/su", .content = "su", .mode = 04755});
  tar.add({.name = "./bin/ping", .content = "ping", .pax = {{"SCHILY.xattr.security.capability", capability}}});
  tar.add({.name = "./bin/shared", .content = "s", .pax = {{"SCHILY.xattr.user.note", "hello"}}});
  tar.add({.name = "./shared", .content = "acl", .mode = 0675, .pax = {{"SCHILY.xattr.system.posix_acl_access", acl}}});
  tar.hard_link("./bin/z-again", "./bin/shared").symlink("./link", "bin/tool").symlink("./long", std::string(200, 'l'));
  tar.add({.name = "./short", .content = "long name", .pax = {{"path", "./" + std::string(150, 'n')}}});
  tar.file("./\xc3\xa4", "umlaut").file("./empty", "");
  tar.add({.name = "./pipe", .type = '6'});
  return tar.done();
}

}  // namespace

TEST_CASE("to tar: an image that is made of the stream equals the first one") {
  TempDir dir;
  auto made = write(difficult_tree(), dir / "a.ext4");
  if (!made) FAIL(made.error().sentence());
  auto tar = tar_of(dir / "a.ext4");
  REQUIRE(write(tar, dir / "b.ext4"));
  CHECK(difference(list_image(dir / "a.ext4"), list_image(dir / "b.ext4")).empty());
  CHECK(complaints(dir / "b.ext4").empty());
  CHECK(tar_of(dir / "b.ext4") == tar);  // the same content gives the same bytes
}

TEST_CASE("to tar: holes stay holes, also at both ends of a file") {
  TempDir dir;
  auto file = dir / "tree/holes";
  std::filesystem::create_directory(dir / "tree");
  REQUIRE(run(fmt::format("truncate -s 3G {0}; printf x | dd of={0} bs=1 seek=1000000 conv=notrunc; "
                          "truncate -s 2G {1}/tree/nothing; tar -C {1}/tree --sparse -cf {1}/in.tar .",
                          file, dir.path()))
              .status == 0);
  REQUIRE(write(slurp(dir / "in.tar"), dir / "a.ext4"));
  auto tar = tar_of(dir / "a.ext4");
  CHECK(tar.size() < 100'000);
  spill(dir / "out.tar", tar);
  std::filesystem::create_directory(dir / "out");
  CHECK(run(fmt::format("tar -C {0}/out -xf {0}/out.tar && cmp {0}/tree/holes {0}/out/holes", dir.path())).status == 0);
  CHECK(std::filesystem::file_size(dir / "out/nothing") == 2ull << 30);
}

TEST_CASE("to tar: a file that is no image is refused") {
  TempDir dir;
  spill(dir / "text", std::string(100'000, 't'));
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  CHECK(ext4::write_tar_from_ext4(dir / "text", fd.get()).error().code == ErrorCode::corrupt);
}

TEST_CASE("to tar: a file with the name of a whiteout is refused") {
  TempDir dir;
  REQUIRE(write(TarBytes().file("./etc/.wh.x").done(), dir / "a.ext4"));
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  auto written = ext4::write_tar_from_ext4(dir / "a.ext4", fd.get());
  REQUIRE(!written);
  CHECK(written.error().code == ErrorCode::unsupported);
}

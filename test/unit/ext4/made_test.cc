// Finished images: reading files from them, checking them, and adding a journal.
#include <filesystem>

#include "base/bounds.h"
#include "fixture.h"

using namespace banger;
using namespace banger::ext4;
using namespace banger::test;
using Catch::Matchers::Contains;

TEST_CASE("ext4: reading a file follows symlinks inside the image and keeps its bound") {
  TempDir dir;
  std::string far = "/" + std::string(70, 'd') + "/x";  // too long for an inode, short enough for a tar header
  REQUIRE(write(TarBytes()
                    .file("etc/os-release", "ID=x\n")
                    .file("lib" + far, "far")
                    .symlink("link", "etc/os-release")
                    .symlink("etc/up", "../../link")
                    .symlink("e", "/etc")
                    .symlink("long", "lib" + far)
                    .symlink("loop", "loop")
                    .symlink("etc/gone", "none")
                    .done(),
                dir / "image")
              .has_value());
  for (const char* name : {"etc/os-release", "/link", "/e/os-release", "e/../link", "/etc/up", "../e/up"})
    CHECK(read_file_in_image(dir / "image", name, 99).value() == "ID=x\n");
  auto behind_long = read_file_in_image(dir / "image", "long", 99);
  INFO((behind_long ? "" : behind_long.error().sentence()));
  REQUIRE(behind_long);
  CHECK(*behind_long == "far");
  CHECK(read_file_in_image(dir / "image", "/etc/os-release", 5).value() == "ID=x\n");
  CHECK(read_file_in_image(dir / "image", "/etc/os-release", 4).error().code == ErrorCode::exhausted);
  for (const char* name : {"/e", "/etc", "/", "/none", "/etc/os-release/x", "loop", "loop/x", "e/gone"})
    CHECK(read_file_in_image(dir / "image", name, 99).error().code == ErrorCode::not_found);
  CHECK(read_file_in_image(dir / "none", "/etc", 99).error().code == ErrorCode::not_found);
  spill(dir / "junk", std::string(100'000, 'j'));
  CHECK(read_file_in_image(dir / "junk", "/etc", 99).error().code == ErrorCode::corrupt);
}

TEST_CASE("ext4: the check finds damage, a cut and an unclean unmount") {
  TempDir dir;
  REQUIRE(make_empty_ext4(dir / "disk", options(64 * limits::kMiB)).has_value());
  std::string good = slurp(dir / "disk");
  auto code_with = [&](std::size_t at, char flip) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ flip);
    spill(dir / "bad", bad);
    return check_ext4(dir / "bad").error().code;
  };
  CHECK(check_ext4(dir / "disk").has_value());
  CHECK(code_with(1024 + 0x38, 1) == ErrorCode::corrupt);   // magic
  CHECK(code_with(1024 + 0x78, 1) == ErrorCode::corrupt);   // label, so the checksum is wrong
  CHECK(code_with(1024 + 0x3fc, 1) == ErrorCode::corrupt);  // the checksum
  spill(dir / "cut", good.substr(0, good.size() / 2));
  CHECK(check_ext4(dir / "cut").error().code == ErrorCode::corrupt);
  spill(dir / "short", "short");
  CHECK(check_ext4(dir / "short").error().code == ErrorCode::corrupt);
  CHECK(check_ext4(dir / "none").error().code == ErrorCode::not_found);
  REQUIRE(run("debugfs -w -R 'ssv state 0' " + dir / "disk").status == 0);
  CHECK_THAT(check_ext4(dir / "disk").error().message, Contains("not cleanly unmounted"));
}

TEST_CASE("ext4: a copy of an image gets a journal, once, and stays clean") {
  TempDir dir;
  Ext4Options o = options();
  o.spare_bytes = 16 * limits::kMiB;
  TarBytes tar;
  for (int i = 0; i < 200; ++i)
    tar.file("file" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 100, 'x'));
  REQUIRE(write(tar.done(), dir / "image", o).has_value());
  // Free blocks need not be zeros.
  auto before = slurp(dir / "image");
  REQUIRE(ensure_journal(dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  std::string features = run("dumpe2fs -h " + dir / "image").output;
  CHECK_THAT(features, Contains("has_journal"));
  CHECK_THAT(features, Contains("Total journal size:       8M"));
  CHECK(check_ext4(dir / "image").has_value());
  CHECK(*read_file_in_image(dir / "image", "/file150", 1 << 20) == std::string(15000, 'x'));
  CHECK(std::filesystem::file_size(dir / "image") == before.size());
  auto once = slurp(dir / "image");
  REQUIRE(ensure_journal(dir / "image").has_value());
  CHECK(slurp(dir / "image") == once);
}

TEST_CASE("ext4: without room for a journal there is an error, and the file system is unchanged") {
  TempDir dir;
  REQUIRE(write(TarBytes().file("file").done(), dir / "image").has_value());
  auto before = slurp(dir / "image");
  auto failed = ensure_journal(dir / "image");
  REQUIRE(!failed.has_value());
  CHECK(failed.error().code == ErrorCode::exhausted);
  CHECK(slurp(dir / "image") == before);
  spill(dir / "junk", std::string(1 << 20, 'j'));
  CHECK(ensure_journal(dir / "junk").error().code == ErrorCode::corrupt);
  CHECK(ensure_journal(dir / "none").error().code == ErrorCode::not_found);
}

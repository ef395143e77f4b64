#include "ext4/ext4.h"

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <fstream>

#include "base/bounds.h"
#include "fixture.h"
#include "host/files.h"

using namespace banger;
using namespace banger::ext4;
using namespace banger::test;
using Catch::Matchers::Contains;

namespace {

Result<Ext4Stats> write_file(const std::string& tar_path, const std::string& image) {
  return write(slurp(tar_path), image);
}

/// The error for a stream that must be refused. Also checks that no image is left.
Error refused(const std::string& tar, const Ext4Options& o = options()) {
  TempDir dir;
  auto made = write(tar, dir / "image", o);
  REQUIRE(!made.has_value());
  CHECK(!std::filesystem::exists(dir / "image"));
  return made.error();
}

std::string compressed(const std::string& bytes, int (*filter)(archive*)) {
  archive* writer = archive_write_new();
  REQUIRE(filter(writer) == ARCHIVE_OK);
  archive_write_set_format_raw(writer);
  std::string out(bytes.size() + (1 << 20), '\0');
  std::size_t used = 0;
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  REQUIRE(archive_write_header(writer, entry) == ARCHIVE_OK);
  REQUIRE(archive_write_data(writer, bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()));
  archive_entry_free(entry);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

}  // namespace

TEST_CASE("ext4: empty file systems of any size are clean and small on the disk") {
  for (std::uint64_t size : {8 * limits::kMiB, 64 * limits::kMiB, 100 * limits::kMiB,
                             128 * limits::kMiB + 4 * limits::kMiB, 8192 * limits::kMiB}) {
    for (bool journal : {true, false}) {
      TempDir dir;
      Ext4Options o = options(size);
      o.journal = journal;
      CAPTURE(size, journal);
      auto made = make_empty_ext4(dir / "disk", o);
      REQUIRE(made.has_value());
      CHECK(complaints(dir / "disk") == "");
      CHECK(std::filesystem::file_size(dir / "disk") == size);
      CHECK(host::disk_usage(dir / "disk") < limits::kMiB);
      CHECK(check_ext4(dir / "disk").has_value());
      struct stat info{};
      REQUIRE(::stat((dir / "disk").c_str(), &info) == 0);
      CHECK((info.st_mode & 07777) == 0600);
    }
  }
}

TEST_CASE("ext4: a file system of hundreds of gigabytes is clean") {
  TempDir dir;
  REQUIRE(make_empty_ext4(dir / "disk", options(600 * limits::kGiB)).has_value());
  CHECK(complaints(dir / "disk") == "");
}

TEST_CASE("ext4: empty file systems have what the guest needs to grow and to recover") {
  TempDir dir;
  Ext4Options o = options(8192 * limits::kMiB);
  o.journal = true;
  REQUIRE(make_empty_ext4(dir / "disk", o).has_value());
  std::string features = run("dumpe2fs -h " + dir / "disk").output;
  for (const char* feature :
       {"has_journal", "resize_inode", "dir_index", "extent", "64bit", "flex_bg", "sparse_super", "metadata_csum"})
    CHECK_THAT(features, Contains(feature));
  CHECK_THAT(features, Contains("Reserved GDT blocks:      127"));
  CHECK_THAT(features, Contains("Filesystem volume name:   test"));
  CHECK_THAT(features, Contains("Filesystem created:       Tue Nov 14 22:13:20 2023"));
  CHECK_THAT(features, Contains("Last write time:          Tue Nov 14 22:13:20 2023"));
  CHECK_THAT(debugfs(dir / "disk", "ls -l /"), Contains("lost+found"));
}

TEST_CASE("ext4: invalid options are refused before any file is touched") {
  TempDir dir;
  CHECK(make_empty_ext4(dir / "disk", options(0)).error().code == ErrorCode::invalid);
  CHECK(make_empty_ext4(dir / "disk", options(1 * limits::kMiB)).error().code == ErrorCode::invalid);
  CHECK(make_empty_ext4(dir / "disk", options(UINT64_MAX)).error().code == ErrorCode::invalid);
  Ext4Options long_label = options(64 * limits::kMiB);
  long_label.label = "seventeen letters";
  CHECK(make_empty_ext4(dir / "disk", long_label).error().code == ErrorCode::invalid);
  CHECK(!std::filesystem::exists(dir / "disk"));
  spill(dir / "disk", "mine");
  CHECK(make_empty_ext4(dir / "disk", options(64 * limits::kMiB)).error().code == ErrorCode::exists);
  CHECK(slurp(dir / "disk") == "mine");
}

TEST_CASE("ext4: the same input gives the same bytes, another seed does not") {
  TempDir dir;
  std::string tar = TarBytes().directory("a").file("a/b", std::string(100'000, 'x')).symlink("c", "a").done();
  Ext4Options o = options();
  o.journal = true;
  REQUIRE(write(tar, dir / "one", o).has_value());
  REQUIRE(write(tar, dir / "two", o).has_value());
  CHECK(host::sha256_file(dir / "one").value() == host::sha256_file(dir / "two").value());
  o.uuid_seed = "another";
  REQUIRE(write(tar, dir / "three", o).has_value());
  CHECK(host::sha256_file(dir / "one").value() != host::sha256_file(dir / "three").value());
  o.timestamp = 0;
  REQUIRE(write(tar, dir / "four", o).has_value());
  CHECK_THAT(run("dumpe2fs -h " + dir / "four").output, Contains("Last write time:          Thu Jan  1 00:00:01 1970"));
}

TEST_CASE("ext4: an empty archive is an empty file system") {
  TempDir dir;
  auto made = write(TarBytes().done(), dir / "image");
  REQUIRE(made.has_value());
  CHECK(made->entries == 0);
  CHECK(complaints(dir / "image") == "");
}

TEST_CASE("ext4: every kind of entry arrives with its owner, mode and times") {
  TempDir dir;
  std::string long_target(200, 't');
  std::string tar = TarBytes()
                        .add({.name = "./", .type = '5', .mode = 0711, .uid = 5, .gid = 6})
                        .add({.name = "setuid", .content = "elf", .mode = 04755, .uid = 100'000, .gid = 200'000})
                        .add({.name = "fifo", .type = '6', .mode = 0600})
                        .add({.name = "null", .type = '3', .mode = 0666, .device_major = 1, .device_minor = 3})
                        .add({.name = "wide", .type = '4', .mode = 0660, .device_major = 259, .device_minor = 70'000})
                        .symlink("short", "target")
                        .add({.name = "long", .type = '2', .mode = 0777, .pax = {{"linkpath", long_target}}})
                        .add({.name = "late", .pax = {{"mtime", "5000000000.123456789"}}})
                        .add({.name = "early", .pax = {{"mtime", "-86400.5"}}})
                        .file("empty", "")
                        .done();
  auto made = write(tar, dir / "image");
  REQUIRE(made.has_value());
  CHECK(made->entries == 9);
  CHECK(complaints(dir / "image") == "");
  auto stat = [&](const std::string& name) { return debugfs(dir / "image", "stat /" + name); };
  CHECK_THAT(stat(""), Contains("Mode:  0711") && Contains("User:     5   Group:     6"));
  CHECK_THAT(stat("setuid"), Contains("Mode:  04755") && Contains("User: 100000   Group: 200000"));
  CHECK_THAT(stat("fifo"), Contains("Type: FIFO"));
  CHECK_THAT(stat("null"), Contains("Type: character special") && Contains("Device major/minor number: 01:03"));
  CHECK_THAT(stat("wide"), Contains("Type: block special") && Contains("Device major/minor number: 259:70000"));
  CHECK_THAT(stat("short"), Contains("Fast link dest: \"target\""));
  CHECK_THAT(debugfs(dir / "image", "cat /long"), Contains(long_target));
  CHECK_THAT(stat("late"), Contains("mtime: 0x2a05f200:1d6f3455 -- Fri Jun 11 08:53:20 2128"));
  CHECK_THAT(stat("early"),
             Contains("Dec 30 12:00:00 1969") || Contains("Dec 30 23:59:59 1969") || Contains("Dec 31 00:00:00 1969"));
  CHECK(read_file_in_image(dir / "image", "/setuid", 10).value() == "elf");
  CHECK(read_file_in_image(dir / "image", "empty", 10).value() == "");
}

TEST_CASE("ext4: names are bytes, up to 255 of them") {
  TempDir dir;
  std::string longest(255, 'n');
  std::vector<std::string> names = {"with space",         "new\nline", "caf\xc3\xa9",
                                    "not utf-8 \xff\xfe", longest,     "back\\slash"};
  std::filesystem::create_directory(dir / "tree");
  for (const auto& name : names) spill(dir / ("tree/" + name), name);
  for (const char* format : {"gnu", "pax"}) {
    CAPTURE(format);
    REQUIRE(run(fmt::format("tar --format={} -C {} -cf {} .", format, dir / "tree", dir / format)).status == 0);
    REQUIRE(write_file(dir / format, dir / (std::string(format) + ".image")).has_value());
    CHECK(complaints(dir / (std::string(format) + ".image")) == "");
    for (const auto& name : names)
      CHECK(read_file_in_image(dir / (std::string(format) + ".image"), name, 1000).value() == name);
  }
  CHECK(refused(TarBytes().add({.name = "x", .pax = {{"path", std::string(256, 'n')}}}).done()).code ==
        ErrorCode::invalid);
}

TEST_CASE("ext4: hard links share an inode; a link to a later entry is refused") {
  TempDir dir;
  std::string tar = TarBytes()
                        .file("a", "shared")
                        .hard_link("d/b", "./a")
                        .hard_link("c", "/d/b")
                        .symlink("s", "a")
                        .hard_link("t", "s")
                        .hard_link("a", "a")
                        .done();
  REQUIRE(write(tar, dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  CHECK_THAT(debugfs(dir / "image", "stat /c"), Contains("Links: 3"));
  CHECK_THAT(debugfs(dir / "image", "stat /t"), Contains("Links: 2"));
  CHECK(read_file_in_image(dir / "image", "/d/b", 10).value() == "shared");
  CHECK(refused(TarBytes().hard_link("b", "a").file("a").done()).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().directory("a").hard_link("b", "a").done()).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().directory("a").symlink("l", "a").file("a/f").hard_link("b", "l/f").done()).code ==
        ErrorCode::invalid);
}

TEST_CASE("ext4: a hard link that replaces the directory its target is in keeps the target") {
  TempDir dir;
  REQUIRE(write(TarBytes().file("d/f", "kept").hard_link("d", "d/f").done(), dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  CHECK(read_file_in_image(dir / "image", "d", 10).value() == "kept");
}

TEST_CASE("ext4: later entries replace earlier ones, directories merge") {
  TempDir dir;
  std::string tar = TarBytes()
                        .file("f", "old")
                        .hard_link("kept", "f")
                        .file("f", "new")
                        .directory("d", 0700)
                        .file("d/inside")
                        .directory("d", 0750)
                        .directory("gone")
                        .file("gone/deep/file")
                        .file("gone", "now a file")
                        .symlink("l", "d")
                        .directory("l")
                        .file("l/own")
                        .done();
  REQUIRE(write(tar, dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  CHECK(read_file_in_image(dir / "image", "f", 10).value() == "new");
  CHECK(read_file_in_image(dir / "image", "kept", 10).value() == "old");
  CHECK(read_file_in_image(dir / "image", "d/inside", 10).value() == "x");
  CHECK_THAT(debugfs(dir / "image", "stat /d"), Contains("Mode:  0750"));
  CHECK(read_file_in_image(dir / "image", "gone", 20).value() == "now a file");
  CHECK(read_file_in_image(dir / "image", "l/own", 10).value() == "x");
  CHECK(read_file_in_image(dir / "image", "d/own", 10).error().code == ErrorCode::not_found);
}

TEST_CASE("ext4: parents missing from the archive are made, and absolute names stay inside") {
  TempDir dir;
  REQUIRE(write(TarBytes().file("/etc//deep/./file", "here").done(), dir / "image").has_value());
  CHECK(read_file_in_image(dir / "image", "/etc/deep/file", 10).value() == "here");
  CHECK_THAT(debugfs(dir / "image", "stat /etc/deep"), Contains("Mode:  0755"));
}

TEST_CASE("ext4: an entry that would leave the root is refused by name") {
  CHECK_THAT(refused(TarBytes().file("a/../../b").done()).message, Contains("a/../../b"));
  CHECK_THAT(refused(TarBytes().symlink("out", "/etc").file("out/passwd").done()).message,
             Contains("out/passwd") && Contains("symlink"));
  CHECK(refused(TarBytes().file("f").file("f/below").done()).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().add({.name = "./", .type = '2', .link = "x"}).done()).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().add({.name = "big", .pax = {{"uid", "99999999999"}}}).done()).code == ErrorCode::invalid);
}

TEST_CASE("ext4: a damaged or cut stream is corrupt and leaves nothing") {
  std::string whole = TarBytes().file("a", std::string(5000, 'a')).file("b", std::string(5000, 'b')).done();
  CHECK(refused(whole.substr(0, 3000)).code == ErrorCode::corrupt);
  CHECK(refused(TarBytes().file("a").unfinished()).code == ErrorCode::corrupt);
  CHECK(refused("").code == ErrorCode::corrupt);
  CHECK(refused(std::string(2000, 'z')).code == ErrorCode::corrupt);
  std::string flipped = whole;
  flipped[512 + 5120 + 10] ^= 1;  // in the second header
  CHECK(refused(flipped).code == ErrorCode::corrupt);
  std::string gzip = compressed(whole, archive_write_add_filter_gzip);
  CHECK(refused(gzip.substr(0, gzip.size() / 2)).code == ErrorCode::corrupt);
}

TEST_CASE("ext4: gzip, zstd and xz streams are understood") {
  std::string whole = TarBytes().file("a", std::string(300'000, 'a')).done();
  for (auto filter : {archive_write_add_filter_gzip, archive_write_add_filter_zstd, archive_write_add_filter_xz}) {
    TempDir dir;
    REQUIRE(write(compressed(whole, filter), dir / "image").has_value());
    CHECK(read_file_in_image(dir / "image", "a", 400'000).value() == std::string(300'000, 'a'));
  }
}

TEST_CASE("ext4: holes stay holes, thousands of them too") {
  TempDir dir;
  std::filesystem::create_directory(dir / "tree");
  // 3000 islands need an extent tree two levels deep.
  std::string content(3000 * 8192 + 5000, '\0');
  for (std::size_t i = 0; i < 3000; ++i) content[i * 8192 + 17] = static_cast<char>('a' + i % 26);
  UniqueFd file(::open((dir / "tree/islands").c_str(), O_CREAT | O_WRONLY, 0644));
  for (std::size_t i = 0; i < 3000; ++i)
    REQUIRE(::pwrite(file.get(), content.data() + i * 8192, 4096, static_cast<off_t>(i * 8192)) == 4096);
  REQUIRE(::ftruncate(file.get(), static_cast<off_t>(content.size())) == 0);
  UniqueFd hole(::open((dir / "tree/hole").c_str(), O_CREAT | O_WRONLY, 0644));
  REQUIRE(::ftruncate(hole.get(), off_t{1} << 40) == 0);
  for (const char* format : {"gnu", "pax"}) {
    std::string image = dir / (std::string(format) + ".image");
    REQUIRE(run(fmt::format("tar --sparse --format={} -C {} -cf {} .", format, dir / "tree", dir / format)).status ==
            0);
    REQUIRE(write_file(dir / format, image).has_value());
    CHECK(complaints(image) == "");
    CHECK((read_file_in_image(image, "islands", content.size()).value() == content));
    CHECK_THAT(debugfs(image, "stat /hole"), Contains("Size: 1099511627776") && Contains("Blockcount: 0"));
    REQUIRE(extract_subtree(image, "/", image + ".copy", options()).has_value());
    CHECK(complaints(image + ".copy") == "");
    CHECK((read_file_in_image(image + ".copy", "islands", content.size()).value() == content));
  }
}

TEST_CASE("ext4: a file larger than a block group is whole") {
  TempDir dir;
  std::string content(140 << 20, 'q');
  for (std::size_t i = 0; i < content.size(); i += 4096) std::memcpy(content.data() + i, &i, sizeof i);
  content += "tail";
  REQUIRE(write(TarBytes().file("small").file("big", content).file("after").done(), dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  CHECK((read_file_in_image(dir / "image", "big", content.size()).value() == content));
}

TEST_CASE("ext4: big and deep directories are clean") {
  TempDir dir;
  TarBytes tar;
  for (int i = 0; i < 5000; ++i)
    tar.add({.name = "x", .content = "", .pax = {{"path", fmt::format("many/{:0>200}", i)}}});
  std::string deep;
  for (int i = 0; i < 150; ++i) tar.add({.name = "x", .type = '5', .mode = 0755, .pax = {{"path", deep += "deep/"}}});
  REQUIRE(write(tar.done(), dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  CHECK(read_file_in_image(dir / "image", fmt::format("many/{:0>200}", 4999), 10).value() == "");
}

TEST_CASE("ext4: there is room for more inodes than usual") {
  TempDir dir;
  TarBytes tar;
  for (int i = 0; i < 20'000; ++i) tar.add({.name = fmt::format("f{}", i), .content = ""});
  Ext4Options o = options(64 * limits::kMiB);
  REQUIRE(write(tar.done(), dir / "image", o).has_value());
  CHECK(complaints(dir / "image") == "");
  REQUIRE(write(tar.done(), dir / "sized").has_value());
  CHECK(complaints(dir / "sized") == "");
}

TEST_CASE("ext4: attributes, capabilities and ACLs are kept, in the inode or beside it") {
  TempDir dir;
  std::string capability("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20), large(3000, 'L');
  std::string acl(
      "\2\0\0\0"
      "\1\0\6\0\xff\xff\xff\xff"
      "\2\0\7\0\xe8\3\0\0"
      "\4\0\4\0\xff\xff\xff\xff"
      "\x10\0\7\0\xff\xff\xff\xff"
      "\x20\0\4\0\xff\xff\xff\xff",
      44);
  std::string tar =
      TarBytes()
          .add({.name = "ping", .pax = {{"SCHILY.xattr.security.capability", capability}}})
          .add({.name = "both",
                .pax = {{"SCHILY.xattr.security.capability", capability},
                        {"SCHILY.xattr.user.large", large},
                        {"SCHILY.xattr.user.b", "2"}}})
          .add({.name = "acl", .mode = 0674, .pax = {{"SCHILY.xattr.system.posix_acl_access", acl}}})
          .add({.name = "text",
                .mode = 0674,
                .pax = {{"SCHILY.acl.access", "user::rw-,user:1000:rwx,group::r--,mask::rwx,other::r--"}}})
          .add({.name = "encoded", .pax = {{"LIBARCHIVE.xattr.user.e", "aGVsbG8"}}})
          .add({.name = "foreign", .pax = {{"SCHILY.xattr.com.apple.thing", "dropped"}}})
          .done();
  REQUIRE(write(tar, dir / "image").has_value());
  REQUIRE(extract_subtree(dir / "image", "/", dir / "copy", options()).has_value());
  for (const std::string& image : {dir / "image", dir / "copy"}) {
    CHECK(complaints(image) == "");
    auto get = [&](const std::string& file, const std::string& name) {
      debugfs(image, fmt::format("ea_get -f {} /{} {}", dir / "value", file, name));
      std::string value = slurp(dir / "value");
      std::filesystem::remove(dir / "value");
      return value;
    };
    CHECK(get("ping", "security.capability") == capability);
    CHECK(get("both", "security.capability") == capability);
    CHECK(get("both", "user.large") == large);
    CHECK(get("both", "user.b") == "2");
    CHECK(get("acl", "system.posix_acl_access") == get("text", "system.posix_acl_access"));
    CHECK(get("acl", "system.posix_acl_access").size() > 20);
    CHECK(get("encoded", "user.e") == "hello");
    CHECK_THAT(debugfs(image, "stat /text"), Contains("Mode:  0674"));
  }
  CHECK(refused(TarBytes().add({.name = "x", .pax = {{"SCHILY.xattr.user.x", std::string(5000, 'x')}}}).done()).code ==
        ErrorCode::invalid);
  CHECK(refused(TarBytes().add({.name = "x", .pax = {{"SCHILY.xattr.system.posix_acl_access", "junk"}}}).done()).code ==
        ErrorCode::invalid);
  CHECK(refused(TarBytes()
                    .add({.name = "x",
                          .pax = {{"SCHILY.acl.access", "user::rw-,user:lisa:rwx,group::r--,mask::rwx,other::r--"}}})
                    .done())
            .code == ErrorCode::unsupported);
}

TEST_CASE("ext4: a given size is kept, too small a one is exhausted") {
  TempDir dir;
  std::string tar = TarBytes().file("a", std::string(20 << 20, 'a')).done();
  auto made = write(tar, dir / "image", options(100 * limits::kMiB));
  REQUIRE(made.has_value());
  CHECK(made->size_bytes == 100 * limits::kMiB);
  CHECK(made->content_bytes == 20 * limits::kMiB);
  CHECK(std::filesystem::file_size(dir / "image") == 100 * limits::kMiB);
  CHECK(complaints(dir / "image") == "");
  CHECK(refused(tar, options(20 * limits::kMiB)).code == ErrorCode::exhausted);
  CHECK(refused(tar, options(16 * limits::kMiB)).code == ErrorCode::exhausted);
}

TEST_CASE("ext4: spare room is added to the content") {
  TempDir dir;
  Ext4Options o = options();
  o.spare_bytes = 300 * limits::kMiB;
  o.journal = true;
  REQUIRE(write(TarBytes().file("a").done(), dir / "image", o).has_value());
  CHECK(complaints(dir / "image") == "");
  std::string info = run("dumpe2fs -h " + dir / "image").output;
  long free_blocks = std::atol(info.c_str() + info.find("Free blocks:") + 12);
  CHECK(free_blocks >= 300 * 256);
  CHECK(host::disk_usage(dir / "image") < 2 * limits::kMiB);
}

TEST_CASE("ext4: the least size is kept, and grows with content that needs more") {
  TempDir dir;
  Ext4Options o = options();
  o.journal = true;
  o.least_bytes = 32 * limits::kMiB;
  o.spare_bytes = 40 * limits::kMiB;
  REQUIRE(write(TarBytes().file("a", std::string(1 << 20, 'a')).done(), dir / "small", o).has_value());
  CHECK(std::filesystem::file_size(dir / "small") == 32 * limits::kMiB);
  CHECK(complaints(dir / "small") == "");
  auto made = write(TarBytes().file("a", std::string(30 << 20, 'a')).done(), dir / "large", o);
  REQUIRE(made.has_value());
  CHECK(made->size_bytes == std::filesystem::file_size(dir / "large"));
  CHECK(made->size_bytes > 70 * limits::kMiB);
  CHECK(made->size_bytes < 100 * limits::kMiB);
  CHECK(host::disk_usage(dir / "large") < 34 * limits::kMiB);
  CHECK(complaints(dir / "large") == "");
  TarBytes many;
  for (int i = 0; i < 40'000; ++i) many.file(fmt::format("f{}", i));
  REQUIRE(write(many.done(), dir / "many", o).has_value());
  CHECK(complaints(dir / "many") == "");
  o.least_bytes = 2 * limits::kMaxDiskBytes;
  CHECK(write(TarBytes().done(), dir / "none", o).error().code == ErrorCode::invalid);
}

TEST_CASE("ext4: progress counts bytes of content") {
  TempDir dir;
  auto fd = as_fd(TarBytes().file("a", std::string(10 << 20, 'a')).done());
  std::vector<std::uint64_t> told;
  REQUIRE(write_ext4_from_tar(fd.get(), dir / "image", options(), [&](std::uint64_t bytes) {
            told.push_back(bytes);
          }).has_value());
  REQUIRE(told.size() >= 2);
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(told.back() == 10 * limits::kMiB);
}

TEST_CASE("ext4: a directory of the host becomes a file system that root owns") {
  TempDir dir;
  std::filesystem::create_directories(dir / "tree/a/b");
  std::ofstream(dir / "tree/a/b/file") << std::string(5'000'000, 'x');
  std::ofstream(dir / "tree/empty");
  std::filesystem::create_symlink("/etc/passwd", dir / "tree/link");
  auto made = write_ext4_from_directory(dir / "tree", dir / "image", options());
  REQUIRE(made.has_value());
  CHECK(made->entries == 4);
  CHECK(complaints(dir / "image") == "");
  CHECK(read_file_in_image(dir / "image", "a/b/file", 6'000'000).value() == std::string(5'000'000, 'x'));
  CHECK_THAT(debugfs(dir / "image", "stat /a/b/file"), Contains("Mode:  0644") && Contains("User:     0"));
  CHECK_FALSE(write_ext4_from_directory(dir / "nothing", dir / "none", options()).has_value());
  CHECK(!std::filesystem::exists(dir / "none"));
}

TEST_CASE("ext4: a subtree becomes the root of its own file system") {
  TempDir dir;
  std::string tar = TarBytes()
                        .add({.name = "root", .type = '5', .mode = 0700, .uid = 7})
                        .file("root/a", "first")
                        .hard_link("root/d/b", "root/a")
                        .symlink("root/l", std::string(90, 'l'))
                        .file("root/empty", "")
                        .add({.name = "root/null", .type = '3', .device_major = 1, .device_minor = 3})
                        .file("elsewhere")
                        .symlink("link", "root")
                        .done();
  REQUIRE(write(tar, dir / "image").has_value());
  auto made = extract_subtree(dir / "image", "/root", dir / "seed", options());
  REQUIRE(made.has_value());
  CHECK(made->entries == 6);
  CHECK(complaints(dir / "seed") == "");
  CHECK(read_file_in_image(dir / "seed", "d/b", 10).value() == "first");
  CHECK_THAT(debugfs(dir / "seed", "stat /a"), Contains("Links: 2"));
  CHECK_THAT(debugfs(dir / "seed", "stat /"), Contains("Mode:  0700") && Contains("User:     7"));
  CHECK_THAT(debugfs(dir / "seed", "cat /l"), Contains(std::string(90, 'l')));
  CHECK_THAT(debugfs(dir / "seed", "stat /null"), Contains("01:03"));
  CHECK(extract_subtree(dir / "image", "/nothing", dir / "none", options()).error().code == ErrorCode::not_found);
  CHECK(extract_subtree(dir / "image", "/link", dir / "none", options()).error().code == ErrorCode::not_found);
  CHECK(extract_subtree(dir / "image", "/elsewhere", dir / "none", options()).error().code == ErrorCode::not_found);
  CHECK(!std::filesystem::exists(dir / "none"));
}

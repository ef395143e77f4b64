#include "tar/tar.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "host/files.h"
#include "support/fs_fixture.h"
#include "tar/identity.h"
#include "tar/room.h"
#include "tar/writer.h"

using namespace banger;
using namespace banger::tar;
using namespace banger::test;
using Catch::Matchers::Contains;

namespace {

std::string pack(const std::string& path, const std::string& name) {
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  auto packed = pack_tree(path, name, fd.get());
  if (!packed) FAIL(packed.error().sentence());
  return slurp(fmt::format("/proc/self/fd/{}", fd.get()));
}

Result<> unpack(const std::string& tar, const std::string& directory, const UnpackOptions& options = {}) {
  auto fd = as_fd(tar);
  return unpack_tree(fd.get(), directory, options);
}

struct stat stat_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

using Names = std::map<std::string, std::string>;

/// What an unpacking leaves out, with the reasons.
LeftOut into(Names& names) {
  return [&names](std::string_view name, std::string_view reason) { names.emplace(name, reason); };
}

/// Unpacks into a new directory beside a file that must survive, and gives the error.
Error refused(const TarBytes& tar, const UnpackOptions& options = {}) {
  TempDir dir;
  std::filesystem::create_directory(dir / "into");
  spill(dir / "victim", "untouched");
  auto done = unpack(tar.done(), dir / "into", options);
  REQUIRE(!done.has_value());
  CHECK(slurp(dir / "victim") == "untouched");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 2);
  return done.error();
}

}  // namespace

TEST_CASE("tar: the reader of a stream that was broken off has its sender's reason") {
  for (std::size_t sent : {0u, 100u, 70'000u, 3'000'000u}) {
    CAPTURE(sent);
    UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
    auto writer = TarWriter::open(fd.get());
    REQUIRE(writer.has_value());
    REQUIRE(writer->add({.path = "f", .kind = EntryKind::file, .mode = 0644, .size = 9'000'000}));
    REQUIRE(writer->write(std::string(sent, 'x')));
    writer->break_off("f: it became\x1b[2J shorter");
    TempDir dir;
    auto done = unpack(slurp(fmt::format("/proc/self/fd/{}", fd.get())), dir.path());
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ErrorCode::busy);
    CHECK_THAT(done.error().message, Contains(R"(f: it became\x1b[2J shorter)"));
    CHECK(std::filesystem::is_empty(dir.path()));
  }
}

TEST_CASE("tar: a file that has the words of a broken stream is only a file") {
  TempDir dir;
  std::filesystem::create_directory(dir / "out");
  spill(dir / "f", std::string(kBrokenMark) + "no\n");
  REQUIRE(unpack(pack(dir / "f", "f"), dir / "out"));
  CHECK(slurp(dir / "out/f") == slurp(dir / "f"));
}

TEST_CASE("tar: a tree survives a round trip") {
  TempDir dir;
  std::filesystem::create_directories(dir / "tree/sub/closed");
  spill(dir / "tree/caf\xc3\xa9 \xff\n", "odd name");
  spill(dir / "tree/sub/program", "#!");
  spill(dir / "tree/sub/closed/inside", "kept");
  REQUIRE(::chmod((dir / "tree/sub/program").c_str(), 04751) == 0);
  REQUIRE(::link((dir / "tree/sub/program").c_str(), (dir / "tree/again").c_str()) == 0);
  REQUIRE(::symlink("../nowhere \xfe", (dir / "tree/link").c_str()) == 0);
  REQUIRE(::mkfifo((dir / "tree/fifo").c_str(), 0640) == 0);
  bool attributes = ::setxattr((dir / "tree/sub/program").c_str(), "user.note", "a\0b", 3, 0) == 0;
  timespec times[2] = {{1'600'000'000, 1}, {1'600'000'000, 123'456'789}};
  for (const char* name : {"tree/sub/program", "tree/link", "tree/sub/closed"})
    REQUIRE(::utimensat(AT_FDCWD, (dir / name).c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
  REQUIRE(::chmod((dir / "tree/sub/closed").c_str(), 0555) == 0);

  std::filesystem::create_directory(dir / "out");
  REQUIRE(unpack(pack(dir / "tree", "name"), dir / "out", {.keep_setid = true}).has_value());
  std::string out = dir / "out/name";
  CHECK(slurp(out + "/caf\xc3\xa9 \xff\n") == "odd name");
  CHECK(slurp(out + "/sub/closed/inside") == "kept");
  CHECK((stat_of(out + "/sub/program").st_mode & 07777) == 04751);
  CHECK(stat_of(out + "/sub/program").st_ino == stat_of(out + "/again").st_ino);
  CHECK(std::filesystem::read_symlink(out + "/link").native() == "../nowhere \xfe");
  CHECK(S_ISFIFO(stat_of(out + "/fifo").st_mode));
  CHECK((stat_of(out + "/fifo").st_mode & 07777) == 0640);
  CHECK((stat_of(out + "/sub/closed").st_mode & 07777) == 0555);
  for (const char* name : {"/sub/program", "/link", "/sub/closed"}) {
    CHECK(stat_of(out + name).st_mtim.tv_sec == 1'600'000'000);
    CHECK(stat_of(out + name).st_mtim.tv_nsec == 123'456'789);
  }
  if (attributes) {
    char value[8];
    CHECK(::getxattr((out + "/sub/program").c_str(), "user.note", value, sizeof value) == 3);
  }
  CHECK(pack(dir / "tree", "name") == pack(out, "name"));
  for (const std::string& closed : {dir / "tree/sub/closed", out + "/sub/closed"})
    REQUIRE(::chmod(closed.c_str(), 0755) == 0);
}

TEST_CASE("tar: one file or symlink is packed as itself") {
  TempDir dir;
  spill(dir / "file", "content");
  REQUIRE(::symlink("file", (dir / "link").c_str()) == 0);
  std::filesystem::create_directory(dir / "out");
  REQUIRE(unpack(pack(dir / "file", "renamed"), dir / "out").has_value());
  REQUIRE(unpack(pack(dir / "link", "l"), dir / "out").has_value());
  CHECK(slurp(dir / "out/renamed") == "content");
  CHECK(std::filesystem::is_symlink(dir / "out/l"));
  UniqueFd null(::open("/dev/null", O_WRONLY));
  CHECK(pack_tree(dir / "missing", "x", null.get()).error().code == ErrorCode::not_found);
}

TEST_CASE("tar: what cannot be packed is named, and the rest arrives") {
  TempDir dir;
  std::filesystem::create_directory(dir / "tree");
  spill(dir / "tree/a", "first");
  spill(dir / "tree/z", "last");
  std::string deep = dir / "tree/deep", member = "t/deep";
  for (int i = 0; i < 300; ++i) {
    std::filesystem::create_directory(deep);
    deep += "/d";
    if (i < 255) member += "/d";
  }
  REQUIRE(::mknod((dir / "tree/socket").c_str(), S_IFSOCK | 0600, 0) == 0);
  Names expected{{member, "it is more than 256 directories deep"}, {"t/socket", "it is a socket"}};
  if (::mknod((dir / "tree/null").c_str(), S_IFCHR | 0600, 0x103) == 0) expected["t/null"] = "it is a device";
  std::filesystem::create_directory(dir / "out");
  Names left_out;
  REQUIRE(unpack(pack(dir / "tree", "t"), dir / "out", {.left_out = into(left_out)}).has_value());
  CHECK(left_out == expected);
  CHECK(slurp(dir / "out/t/a") == "first");
  CHECK(slurp(dir / "out/t/z") == "last");
  CHECK(std::distance(std::filesystem::directory_iterator(dir / "out/t"), {}) == 3);
}

TEST_CASE("tar: a file that its user may not read is named, and the rest arrives") {
  TempDir dir;
  std::filesystem::create_directories(dir / "tree/closed");
  spill(dir / "tree/a", "a");
  spill(dir / "tree/secret", "s");
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  REQUIRE(::chmod((dir / "tree/secret").c_str(), 0) == 0);
  REQUIRE(::chmod((dir / "tree/closed").c_str(), 0) == 0);
  UniqueFd fd(::memfd_create("tar", 0));
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool nobody = ::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0;
    ::_exit(nobody && pack_tree(dir / "tree", "t", fd.get()) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  Names left_out;
  std::filesystem::create_directory(dir / "out");
  REQUIRE(unpack_tree(fd.get(), dir / "out", {.left_out = into(left_out)}).has_value());
  CHECK(left_out == Names{{"t/closed", "Permission denied"}, {"t/secret", "Permission denied"}});
  CHECK(slurp(dir / "out/t/a") == "a");
  REQUIRE(::chmod((dir / "tree/closed").c_str(), 0755) == 0);
}

TEST_CASE("tar: a stream that its writer did not finish does not look complete") {
  UniqueFd fd(::memfd_create("tar", 0));
  {
    auto writer = TarWriter::open(fd.get());
    REQUIRE(writer.has_value());
    REQUIRE(writer->add({.path = "f", .kind = EntryKind::file, .size = 1}).has_value());
    REQUIRE(writer->write("x").has_value());
  }
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  TempDir dir;
  CHECK(unpack_tree(fd.get(), dir.path(), {}).error().code == ErrorCode::corrupt);
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("tar: symlinks can be followed, and loops end") {
  TempDir dir;
  std::filesystem::create_directories(dir / "tree/d");
  spill(dir / "tree/d/f", "content");
  REQUIRE(::symlink("d/f", (dir / "tree/file").c_str()) == 0);
  REQUIRE(::symlink("d", (dir / "tree/directory").c_str()) == 0);
  REQUIRE(::symlink("..", (dir / "tree/d/up").c_str()) == 0);
  REQUIRE(::symlink("nowhere", (dir / "tree/dangling").c_str()) == 0);
  REQUIRE(::symlink("tree", (dir / "top").c_str()) == 0);
  UniqueFd fd(::memfd_create("tar", 0));
  REQUIRE(pack_tree(dir / "top", "t", fd.get(), {.symlinks = Symlinks::follow}).has_value());
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  Names left_out;
  std::filesystem::create_directory(dir / "out");
  REQUIRE(unpack_tree(fd.get(), dir / "out", {.left_out = into(left_out)}).has_value());
  CHECK(left_out == Names{{"t/d/up", "it is a symlink to a directory above it"},
                          {"t/directory/up", "it is a symlink to a directory above it"},
                          {"t/dangling", "it is a symlink to nothing"}});
  for (const char* name : {"t/file", "t/d/f", "t/directory/f"})
    CHECK((S_ISREG(stat_of(dir / (std::string("out/") + name)).st_mode) &&
           slurp(dir / (std::string("out/") + name)) == "content"));
}

TEST_CASE("tar: a stream can give all objects to root") {
  TempDir dir;
  spill(dir / "file", "x");
  spill(dir / "packed", "");
  UniqueFd file(::open((dir / "packed").c_str(), O_RDWR | O_CLOEXEC));
  if (::geteuid() == 0) REQUIRE(::chown((dir / "file").c_str(), 1234, 1234) == 0);
  REQUIRE(pack_tree(dir / "file", "file", file.get(), {.owners = Owners::root}));
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  auto reader = TarReader::open(file.get(), Compression::none);
  auto entry = reader->next().value();
  REQUIRE(entry);
  CHECK(entry->uid == 0);
  CHECK(entry->gid == 0);
}

TEST_CASE("tar: GNU tar reads packed streams") {
  TempDir dir;
  std::filesystem::create_directory(dir / "tree");
  spill(dir / "tree/file", "content");
  for (std::string name : {"caf\xc3\xa9", "cafe\xcc\x81", "bad\xff\xed\xa0\x80", "new\nline", "a=b"}) {
    spill(dir / ("tree/" + name), name);
    spill(dir / ("tree/" + std::string(150, 'n') + name), name);
    std::filesystem::create_symlink(name, dir / ("tree/link" + name));
    (void)::setxattr((dir / ("tree/" + name)).c_str(), "user.a=b%", "x=y\n", 4, 0);
  }
  REQUIRE(host::make_sparse_file(dir / "tree/sparse\xff", 1 << 20));
  timespec early[2] = {{-5, 0}, {-5, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (dir / "tree/file").c_str(), early, 0) == 0);
  spill(dir / "packed", pack(dir / "tree", "tree"));
  std::filesystem::create_directories(dir / "out");
  std::filesystem::create_directories(dir / "ours");
  for (const char* locale : {"C", "C.UTF-8"}) {
    auto told = run(fmt::format("LC_ALL={} tar -C {} -xf {} 2>&1", locale, dir / "out", dir / "packed"));
    CHECK(told.status == 0);
    CHECK_THAT(told.output, !Contains("hdrcharset"));
    CHECK(run(fmt::format("diff -r --no-dereference {0}/tree {0}/out/tree", dir.path())).output == "");
    CHECK(stat_of(dir / "out/tree/file").st_mtime == -5);
  }
  REQUIRE(unpack(slurp(dir / "packed"), dir / "ours").has_value());
  CHECK(pack(dir / "tree", "t") == pack(dir / "ours/tree", "t"));
}

TEST_CASE("tar: holes are neither sent nor filled") {
  TempDir dir;
  std::filesystem::create_directory(dir / "tree");
  for (auto [name, data_at] : {std::pair{"hole", -1L}, {"middle", 10L << 20}, {"end", (64L << 20) - 3}}) {
    UniqueFd file(::open((dir / (std::string("tree/") + name)).c_str(), O_CREAT | O_WRONLY, 0644));
    REQUIRE(::ftruncate(file.get(), off_t{64} << 20) == 0);
    if (data_at >= 0) REQUIRE(::pwrite(file.get(), "abc", 3, data_at) == 3);
  }
  std::string tar = pack(dir / "tree", "t");
  CHECK(tar.size() < 64 * 1024);
  std::filesystem::create_directory(dir / "out");
  REQUIRE(unpack(tar, dir / "out").has_value());
  for (const char* name : {"hole", "middle", "end"}) {
    CAPTURE(name);
    CHECK(stat_of(dir / (std::string("out/t/") + name)).st_size == off_t{64} << 20);
    CHECK(stat_of(dir / (std::string("out/t/") + name)).st_blocks * 512 <= 64 * 1024);
    CHECK(run(fmt::format("cmp {0}/tree/{1} {0}/out/t/{1}", dir.path(), name)).output == "");
  }
}

TEST_CASE("tar: a hole of any size takes no time, and a broken stream ends at once") {
  TempDir dir;
  REQUIRE(host::make_sparse_file(dir / "hole", std::uint64_t{4} << 40));
  CHECK(pack(dir / "hole", "hole").size() < 8 * 1024);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), out(ends[1]);
  ::signal(SIGPIPE, SIG_IGN);
  auto writer = TarWriter::open(out.get());
  REQUIRE(writer.has_value());
  REQUIRE(writer->add({.path = "f", .kind = EntryKind::file, .size = std::int64_t{1} << 50}));
  reader.reset();
  auto written = writer->write_zeros(std::uint64_t{1} << 50);
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().sys_errno == EPIPE);
}

TEST_CASE("tar: of a file with very many holes, only the largest are kept") {
  TempDir dir;
  std::filesystem::create_directory(dir / "out");
  UniqueFd file(::open((dir / "f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  for (off_t i = 0; i < static_cast<off_t>(limits::kFileExtents) + 3; ++i)
    REQUIRE(::pwrite(file.get(), "x", 1, i * 8192) == 1);
  REQUIRE(::pwrite(file.get(), "end", 3, off_t{1} << 40) == 3);
  auto tar = pack(dir / "f", "f");
  CHECK(tar.size() < (limits::kFileExtents + 100) * 8192);
  REQUIRE(unpack(tar, dir / "out").has_value());
  CHECK(stat_of(dir / "out/f").st_size == (off_t{1} << 40) + 3);
  CHECK(run(fmt::format("cmp -n 200000000 {0}/f {0}/out/f", dir.path())).output == "");
}

TEST_CASE("tar: a copied stream keeps the holes that its headers name") {
  TempDir dir;
  UniqueFd file(::open((dir / "f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  REQUIRE(::ftruncate(file.get(), off_t{64} << 20) == 0);
  REQUIRE(::pwrite(file.get(), "abc", 3, 10 << 20) == 3);
  spill(dir / "ours", pack(dir / "f", "f"));
  for (const char* format : {"gnu", "pax --sparse-version=0.0", "pax --sparse-version=0.1", "pax", "ours"}) {
    CAPTURE(format);
    auto tar = dir / "ours";
    if (format != std::string("ours")) {
      tar = dir / "theirs";
      CHECK(run(fmt::format("tar -C {0} -cSf {1} --format={2} f", dir.path(), tar, format)).status == 0);
    }
    UniqueFd in(::open(tar.c_str(), O_RDONLY | O_CLOEXEC)), out(::memfd_create("tar", MFD_CLOEXEC));
    REQUIRE(copy_tar(in.get(), out.get(), {}).has_value());
    auto copied = slurp(fmt::format("/proc/self/fd/{}", out.get()));
    // The map of the newest format is not in a header.
    if (format != std::string("pax")) CHECK(copied.size() < 64 * 1024);
    std::filesystem::remove_all(dir / "out");
    std::filesystem::create_directory(dir / "out");
    REQUIRE(unpack(copied, dir / "out").has_value());
    CHECK(run(fmt::format("cmp {0}/f {0}/out/f", dir.path())).output == "");
  }
}

TEST_CASE("tar: decompression gives the bytes of the stream") {
  TempDir dir;
  spill(dir / "f", std::string(300'000, 'x') + "end");
  for (const char* tool : {"cat", "gzip", "xz"}) {
    CAPTURE(tool);
    REQUIRE(run(fmt::format("{0} <{1}/f >{1}/packed", tool, dir.path())).status == 0);
    UniqueFd in(::open((dir / "packed").c_str(), O_RDONLY | O_CLOEXEC)), out(::memfd_create("out", MFD_CLOEXEC));
    REQUIRE(decompress(in.get(), out.get()).has_value());
    CHECK(slurp(fmt::format("/proc/self/fd/{}", out.get())) == slurp(dir / "f"));
    REQUIRE(::truncate((dir / "packed").c_str(), 20) == 0);
    REQUIRE(::lseek(in.get(), 0, SEEK_SET) == 0);
    CHECK(decompress(in.get(), out.get()).has_value() == (tool == std::string("cat")));
  }
  UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK(decompress(nothing.get(), nothing.get()).has_value());
}

TEST_CASE("tar: a file whose size is not what stat gives arrives as a reader gets it") {
  TempDir dir;
  Names left_out;
  // sysfs gives a size of 4096 bytes for every file, and procfs gives 0.
  for (const char* liar : {"/sys/kernel/mm/transparent_hugepage/enabled", "/proc/version", "/proc/kallsyms"}) {
    if (::access(liar, R_OK) < 0) continue;
    CAPTURE(liar);
    REQUIRE(unpack(pack(liar, "f"), dir.path(), {.left_out = into(left_out)}).has_value());
    CHECK(slurp(dir / "f") == slurp(liar));
  }
  CHECK(left_out.empty());
}

TEST_CASE("tar: no entry leaves the target directory") {
  CHECK(refused(TarBytes().file("../victim", "gone")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().file("a/../../victim", "gone")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().file("/tmp/absolute")).code == ErrorCode::invalid);
  CHECK_THAT(refused(TarBytes().symlink("out", "..").file("out/victim", "gone")).message,
             Contains("out/victim") && Contains("symlink"));
  CHECK(refused(TarBytes().symlink("out", "..").directory("out/new")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().symlink("out", "..").symlink("out/victim", "x")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().symlink("out", "..").hard_link("mine", "out/victim")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().file("f").hard_link("../victim", "f")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().hard_link("mine", "../victim")).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().add({.name = "./", .type = '2', .link = ".."})).code == ErrorCode::invalid);
}

TEST_CASE("tar: symlinks found inside are not written through") {
  TempDir dir;
  std::filesystem::create_directories(dir / "into");
  std::filesystem::create_directories(dir / "outside");
  spill(dir / "outside/file", "untouched");
  REQUIRE(::symlink("../outside", (dir / "into/door").c_str()) == 0);
  REQUIRE(::symlink("../outside/file", (dir / "into/window").c_str()) == 0);
  CHECK(unpack(TarBytes().file("door/file", "gone").done(), dir / "into").error().code == ErrorCode::invalid);
  CHECK(unpack(TarBytes().directory("door").done(), dir / "into").error().code == ErrorCode::exists);
  CHECK(unpack(TarBytes().file("door/new/deep").done(), dir / "into").error().code == ErrorCode::invalid);
  CHECK(unpack(TarBytes().file("window", "gone").done(), dir / "into").error().code == ErrorCode::exists);
  Names left_out;
  TarBytes more;
  more.file("f").hard_link("window", "f").directory("door", 0777).file("door/file", "gone").file("g");
  REQUIRE(unpack(more.done(), dir / "into", {.left_out = into(left_out)}).has_value());
  CHECK(left_out.size() == 2);
  CHECK_THAT(left_out["window"], Contains("a symlink of this name exists already"));
  CHECK_THAT(left_out["door"], Contains("a symlink of this name exists already"));
  CHECK(slurp(dir / "into/g") == "x");
  CHECK(std::filesystem::is_symlink(dir / "into/window"));
  CHECK(slurp(dir / "outside/file") == "untouched");
  CHECK(std::distance(std::filesystem::directory_iterator(dir / "outside"), {}) == 1);
}

TEST_CASE("tar: a named symlink is written through, and one from the archive is not") {
  TempDir dir;
  std::filesystem::create_directories(dir / "into/sub");
  spill(dir / "file", "old and longer");
  for (const char* link : {"into/window", "into/sub/window"})
    REQUIRE(::symlink((dir / "file").c_str(), (dir / link).c_str()) == 0);
  REQUIRE(::symlink("nowhere", (dir / "into/dangling").c_str()) == 0);
  auto named = [&](const TarBytes& tar) { return unpack(tar.done(), dir / "into", {.top = Target::named}); };
  REQUIRE(named(TarBytes().file("window", "new")).has_value());
  CHECK(slurp(dir / "file") == "new");
  CHECK(std::filesystem::is_symlink(dir / "into/window"));
  CHECK(named(TarBytes().file("sub/window", "gone")).error().code == ErrorCode::exists);
  CHECK(named(TarBytes().symlink("mine", dir / "file").file("mine", "gone")).has_value());
  CHECK_THAT(named(TarBytes().file("dangling", "gone")).error().message, Contains("a symlink to a missing file"));
  CHECK(!std::filesystem::exists(dir / "into/nowhere"));
  CHECK(slurp(dir / "file") == "new");
}

TEST_CASE("tar: a file that replaces another one can keep its owner, mode and attributes") {
  TempDir dir;
  bool root = ::geteuid() == 0;
  for (bool keep : {true, false}) {
    CAPTURE(keep);
    spill(dir / "f", "old");
    REQUIRE(::chmod((dir / "f").c_str(), 0600) == 0);
    bool attributes = ::setxattr((dir / "f").c_str(), "user.old", "1", 1, 0) == 0;
    if (root) REQUIRE(::chown((dir / "f").c_str(), 1000, 1001) == 0);
    auto before = stat_of(dir / "f");
    REQUIRE(unpack(TarBytes().file("f", "new").done(), dir.path(), {.keep_existing = keep}).has_value());
    auto after = stat_of(dir / "f");
    CHECK(slurp(dir / "f") == "new");
    CHECK(after.st_ino != before.st_ino);
    CHECK((after.st_mode & 07777) == (keep ? 0600u : 0644u));
    CHECK(after.st_uid == (keep ? before.st_uid : ::geteuid()));
    CHECK(after.st_gid == (keep ? before.st_gid : ::getegid()));
    if (attributes) CHECK((::getxattr((dir / "f").c_str(), "user.old", nullptr, 0) == 1) == keep);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  }
}

TEST_CASE("tar: a file that is a mount gets the content") {
  TempDir dir;
  spill(dir / "f", "old and longer");
  spill(dir / "other", "mounted and longer");
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool may = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount((dir / "other").c_str(), (dir / "f").c_str(), nullptr, MS_BIND, nullptr) == 0;
    ::_exit(!may ? 77 : unpack(TarBytes().file("f", "new").done(), dir.path()) && slurp(dir / "f") == "new" ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return;  // this user may not mount
  CHECK(status == 0);
  CHECK(slurp(dir / "other") == "new");
  CHECK(slurp(dir / "f") == "old and longer");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 2);
}

TEST_CASE("tar: directories are known by what is around them") {
  TempDir dir;
  std::filesystem::create_directories(dir / "a/b");
  std::filesystem::create_directory_symlink("a/b", dir / "link");
  auto around = directories_around(dir / "link");
  REQUIRE(around.size() > 2);
  CHECK(around[0] == identity_of(stat_of(dir / "a/b")));
  CHECK(around[1] == identity_of(stat_of(dir / "a")));
  CHECK(directories_around("/tmp/..") == std::vector{identity_of(stat_of("/"))});
  CHECK(directories_around(dir / "nothing").empty());
}

TEST_CASE("tar: a file of several names gets the content and keeps its names") {
  TempDir dir;
  spill(dir / "a", "old and longer");
  REQUIRE(::chmod((dir / "a").c_str(), 0640) == 0);
  for (const char* name : {"b", "c"}) REQUIRE(::link((dir / "a").c_str(), (dir / name).c_str()) == 0);
  REQUIRE(unpack(TarBytes().file("a", "new").done(), dir.path()).has_value());
  CHECK(slurp(dir / "c") == "new");
  CHECK((stat_of(dir / "c").st_mode & 07777) == 0640);
  // The content of the last file must not end up in both.
  REQUIRE(unpack(TarBytes().file("a", "one").file("b", "two").hard_link("c", "a").done(), dir.path()).has_value());
  CHECK(slurp(dir / "a") == "one");
  CHECK(slurp(dir / "b") == "two");
  CHECK(stat_of(dir / "a").st_ino == stat_of(dir / "c").st_ino);
  REQUIRE(unpack(TarBytes().file("x", "three").hard_link("a", "x").done(), dir.path()).has_value());
  CHECK(slurp(dir / "c") == "three");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 4);
}

TEST_CASE("tar: FIFOs, sockets and devices found are not replaced") {
  TempDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  REQUIRE(::mknod((dir / "socket").c_str(), S_IFSOCK | 0600, 0) == 0);
  bool devices = ::mknod((dir / "full").c_str(), S_IFCHR | 0600, 0x107) == 0;
  TarBytes another;
  another.add({.name = "fifo", .type = '6'});
  for (auto top : {Target::found, Target::named})
    for (std::string name : {"fifo", "socket"}) {
      CHECK(unpack(TarBytes().file(name).done(), dir.path(), {.top = top}).error().code == ErrorCode::exists);
      if (name == "socket")
        CHECK(unpack(TarBytes().symlink(name, "x").done(), dir.path(), {.top = top}).error().code == ErrorCode::exists);
    }
  CHECK(unpack(another.done(), dir.path()).has_value());
  CHECK(S_ISFIFO(stat_of(dir / "fifo").st_mode));
  CHECK(S_ISSOCK(stat_of(dir / "socket").st_mode));
  if (!devices) return;
  // This file answers every write with ENOSPC, which shows that a write happened.
  CHECK(unpack(TarBytes().file("full").done(), dir.path()).error().sys_errno == ENOSPC);
  CHECK(unpack(TarBytes().file("f").hard_link("full", "f").done(), dir.path()).error().sys_errno == ENOSPC);
  CHECK(unpack(TarBytes().symlink("full", "x").done(), dir.path()).error().code == ErrorCode::exists);
  CHECK(S_ISCHR(stat_of(dir / "full").st_mode));
}

TEST_CASE("tar: a file that arrives incomplete leaves the old one") {
  TempDir dir;
  spill(dir / "f", "old");
  std::string whole = TarBytes().file("f", std::string(300'000, 'n')).file("g", std::string(300'000, 'n')).done();
  CHECK(!unpack(whole.substr(0, 200'000), dir.path()).has_value());
  CHECK(slurp(dir / "f") == "old");
  CHECK(!unpack(whole.substr(0, 400'000), dir.path()).has_value());
  CHECK(slurp(dir / "f") == std::string(300'000, 'n'));
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("tar: a file can be written in a directory that accepts no new names") {
  TempDir dir;
  std::filesystem::create_directory(dir / "closed");
  spill(dir / "closed/f", "old");
  REQUIRE(::chmod((dir / "closed/f").c_str(), 0666) == 0);
  REQUIRE(::chmod((dir / "closed").c_str(), 0555) == 0);
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  auto f = as_fd(TarBytes().file("f", "new").done()), g = as_fd(TarBytes().file("g", "new").done());
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool nobody = ::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0;
    auto written = unpack_tree(f.get(), dir / "closed", {});
    auto made = unpack_tree(g.get(), dir / "closed", {});
    ::_exit(nobody && written && !made ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(slurp(dir / "closed/f") == "new");
  REQUIRE(::chmod((dir / "closed").c_str(), 0755) == 0);
}

TEST_CASE("tar: content with holes goes whole into a file that is written into") {
  TempDir dir;
  std::filesystem::create_directories(dir / "from");
  UniqueFd file(::open((dir / "from/f").c_str(), O_CREAT | O_WRONLY, 0644));
  REQUIRE(::ftruncate(file.get(), 1 << 20) == 0);
  REQUIRE(::pwrite(file.get(), "abc", 3, 700'000) == 3);
  std::filesystem::create_directories(dir / "to");
  spill(dir / "to/f", std::string(2 << 20, 'o'));
  REQUIRE(::link((dir / "to/f").c_str(), (dir / "to/again").c_str()) == 0);
  REQUIRE(unpack(pack(dir / "from/f", "f"), dir / "to").has_value());
  CHECK(slurp(dir / "to/again") == slurp(dir / "from/f"));
}

TEST_CASE("tar: a hard link only goes to a file of the same archive") {
  TempDir dir;
  spill(dir / "mine", "was here before");
  CHECK(unpack(TarBytes().hard_link("alias", "mine").done(), dir.path()).error().code == ErrorCode::invalid);
  CHECK(!std::filesystem::exists(dir / "alias"));
  // Content that replaces a link must not go into the file that the link names.
  REQUIRE(unpack(TarBytes().file("a", "first").hard_link("b", "a").file("b", "second").done(), dir.path()).has_value());
  CHECK(slurp(dir / "a") == "first");
  CHECK(slurp(dir / "b") == "second");
}

namespace {

/// Leaves out "gone", and writes the content of "edited" in upper case.
class TestRules : public PackRules {
 public:
  Take take(std::string_view member, EntryKind) const override {
    return member.ends_with("/gone") ? Take::nothing : member.ends_with("/edited") ? Take::edited : Take::whole;
  }
  std::string edit(std::string_view, std::string_view content) const override {
    std::string upper(content);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    return upper;
  }
};

std::map<std::string, TarEntry> entries_of(const std::string& tar) {
  auto fd = as_fd(tar);
  auto reader = TarReader::open(fd.get(), Compression::none).value();
  std::map<std::string, TarEntry> entries;
  for (auto entry = reader.next().value(); entry; entry = reader.next().value()) entries[entry->path] = *entry;
  return entries;
}

std::string pack_for_image(const std::vector<std::pair<std::string, std::string>>& directories) {
  TestRules rules;
  UniqueFd out(::memfd_create("tar", MFD_CLOEXEC));
  std::vector<UniqueFd> opened;
  std::vector<PackSource> sources;
  for (const auto& [path, member] : directories) {
    opened.emplace_back(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    sources.push_back({.directory = opened.back().get(), .member = member, .rules = rules});
  }
  auto packed = pack_sources(sources, out.get(), {.special = Special::image});
  if (!packed) FAIL(packed.error().sentence());
  return slurp(fmt::format("/proc/self/fd/{}", out.get()));
}

}  // namespace

TEST_CASE("tar: rules leave out objects and edit files, in several trees") {
  TempDir dir;
  std::filesystem::create_directories(dir / "a/gone");
  std::filesystem::create_directory(dir / "b");
  spill(dir / "a/gone/below", "x");
  spill(dir / "a/edited", "abc");
  std::filesystem::create_hard_link(dir / "a/edited", dir / "a/other");
  spill(dir / "b/file", "content");
  auto entries = entries_of(pack_for_image({{dir / "a", "."}, {dir / "b", "./root"}}));
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.push_back(name);
  CHECK(names == std::vector<std::string>{"./", "./edited", "./other", "./root/", "./root/file"});
  CHECK(entries["./other"].kind == EntryKind::file);  // a link would lead to what was edited
  CHECK_FALSE(entries["./edited"].left_out);

  TempDir to;
  REQUIRE(unpack(pack_for_image({{dir / "a", "."}}), to.path()).has_value());
  CHECK(slurp(to / "edited") == "ABC");
  CHECK(slurp(to / "other") == "abc");
}

TEST_CASE("tar: an image gets devices but no sockets") {
  TempDir dir;
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  auto path = dir / "socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(entries_of(pack_for_image({{dir.path(), "."}})).size() == 1);
  if (::mknod((dir / "device").c_str(), S_IFCHR | 0640, makedev(10, 229)) < 0) {
    fmt::print("SKIPPED: tar: an image gets devices but no sockets: devices take root\n");
    return;
  }
  auto device = entries_of(pack_for_image({{dir.path(), "."}}))["./device"];
  CHECK(device.kind == EntryKind::character_device);
  CHECK(device.device_major == 10);
  CHECK(device.device_minor == 229);
  CHECK(device.mode == 0640);
}

TEST_CASE("tar: devices are left out") {
  TempDir dir;
  Names left_out;
  TarBytes tar;
  tar.add({.name = "null", .type = '3', .device_major = 1, .device_minor = 3});
  tar.add({.name = "sda", .type = '4', .device_major = 8}).file("f");
  REQUIRE(unpack(tar.done(), dir.path(), {.left_out = into(left_out)}).has_value());
  CHECK(left_out == Names{{"null", "it is a device"}, {"sda", "it is a device"}});
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("tar: what an existing object prevents is named, and the rest arrives") {
  TempDir dir;
  std::filesystem::create_directories(dir / "t/file");
  spill(dir / "t/directory", "old");
  REQUIRE(::symlink("t", (dir / "t/link").c_str()) == 0);
  Names left_out;
  TarBytes tar;
  tar.directory("t").file("t/file", "new").directory("t/directory").file("t/directory/below", "new");
  tar.file("t/link", "new").file("t/other", "new");
  REQUIRE(unpack(tar.done(), dir.path(), {.left_out = into(left_out)}).has_value());
  CHECK(left_out.size() == 3);
  CHECK_THAT(left_out["t/file"], Contains("a directory of this name exists already"));
  CHECK_THAT(left_out["t/directory"], Contains("a file of this name exists already"));
  CHECK_THAT(left_out["t/link"], Contains("a symlink of this name exists already"));
  CHECK(slurp(dir / "t/other") == "new");
  CHECK(slurp(dir / "t/directory") == "old");
}

TEST_CASE("tar: a new tree gets its name when it is complete") {
  TempDir dir;
  std::string whole = TarBytes().directory("t", 0555).file("t/a").directory("t/d", 0500).file("t/d/b").done();
  CHECK(!unpack(whole.substr(0, whole.size() - 1024), dir.path()).has_value());
  CHECK(std::filesystem::is_empty(dir.path()));
  REQUIRE(unpack(whole, dir.path()).has_value());
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  CHECK((stat_of(dir / "t").st_mode & 07777) == 0555);
  CHECK((stat_of(dir / "t/d").st_mode & 07777) == 0500);
  CHECK(slurp(dir / "t/d/b") == "x");
  for (const char* closed : {"t", "t/d"}) REQUIRE(::chmod((dir / closed).c_str(), 0755) == 0);
}

TEST_CASE("tar: a broken stream leaves whole files in an existing directory") {
  TempDir dir;
  std::filesystem::create_directory(dir / "t");
  std::string whole = TarBytes().directory("t").directory("t/d", 0755).file("t/d/a").file("t/d/b").done();
  CHECK(!unpack(whole.substr(0, whole.size() - 1024 - 512), dir.path()).has_value());
  CHECK((stat_of(dir / "t/d").st_mode & 07777) == 0755);
  CHECK(slurp(dir / "t/d/a") == "x");
  CHECK(std::distance(std::filesystem::directory_iterator(dir / "t/d"), {}) == 1);
}

TEST_CASE("tar: a file that its sender could not read whole gets no name") {
  TempDir dir;
  spill(dir / "f", "old");
  UniqueFd fd(::memfd_create("tar", 0));
  auto writer = TarWriter::open(fd.get());
  REQUIRE(writer.has_value());
  for (std::string name : {"f", "g"}) {
    REQUIRE(writer->add({.path = name, .kind = EntryKind::file, .mode = 0644, .size = 3}).has_value());
    REQUIRE(writer->write("new").has_value());
    if (name == "f") REQUIRE(writer->leave_out(name, "it became shorter").has_value());
  }
  REQUIRE(writer->finish().has_value());
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  Names left_out;
  REQUIRE(unpack_tree(fd.get(), dir.path(), {.left_out = into(left_out)}).has_value());
  CHECK(left_out == Names{{"f", "it became shorter"}});
  CHECK(slurp(dir / "f") == "old");
  CHECK(slurp(dir / "g") == "new");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 2);
}

TEST_CASE("tar: only names that were asked for are unpacked") {
  CHECK(refused(TarBytes().directory("x").file(".bashrc"), {.only = "x"}).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().file("./.bashrc"), {.only = "x"}).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().directory("."), {.only = "x"}).code == ErrorCode::invalid);
  TempDir dir;
  REQUIRE(unpack(TarBytes().directory("./x").file("x/f").done(), dir.path(), {.only = "x"}).has_value());
  REQUIRE(unpack(TarBytes().directory("./").file("./g").done(), dir.path(), {.only = "."}).has_value());
  CHECK(slurp(dir / "x/f") == "x");
}

TEST_CASE("tar: compressed streams are not unpacked, but decompressed to plain ones") {
  TempDir dir;
  spill(dir / "plain", TarBytes().directory("t").file("t/f", std::string(100'000, 'c')).symlink("t/l", "f").done());
  REQUIRE(run(fmt::format("gzip -k {}", dir / "plain")).status == 0);
  std::filesystem::create_directory(dir / "out");
  CHECK(unpack(slurp(dir / "plain.gz"), dir / "out").error().code == ErrorCode::corrupt);
  auto compressed = as_fd(slurp(dir / "plain.gz"));
  UniqueFd plain(::memfd_create("tar", 0));
  REQUIRE(decompress(compressed.get(), plain.get()).has_value());
  REQUIRE(::lseek(plain.get(), 0, SEEK_SET) == 0);
  REQUIRE(unpack_tree(plain.get(), dir / "out", {}).has_value());
  CHECK(slurp(dir / "out/t/f") == std::string(100'000, 'c'));
  CHECK(std::filesystem::read_symlink(dir / "out/t/l") == "f");
}

TEST_CASE("tar: a copied stream has neither marks nor lost holes") {
  TempDir dir;
  std::filesystem::create_directory(dir / "tree");
  UniqueFd file(::open((dir / "tree/holes").c_str(), O_CREAT | O_WRONLY, 0644));
  REQUIRE(::ftruncate(file.get(), 1 << 20) == 0);
  REQUIRE(::pwrite(file.get(), "abc", 3, 700'000) == 3);
  REQUIRE(::mknod((dir / "tree/socket").c_str(), S_IFSOCK | 0600, 0) == 0);
  auto from = as_fd(pack(dir / "tree", "t"));
  UniqueFd to(::open((dir / "copied").c_str(), O_CREAT | O_RDWR, 0644));
  Names left_out;
  REQUIRE(copy_tar(from.get(), to.get(), into(left_out)).has_value());
  CHECK(left_out == Names{{"t/socket", "it is a socket"}});
  std::filesystem::create_directory(dir / "out");
  REQUIRE(run(fmt::format("tar -C {} -xf {}", dir / "out", dir / "copied")).status == 0);
  CHECK(slurp(dir / "out/t/holes") == slurp(dir / "tree/holes"));
  CHECK(!std::filesystem::exists(dir / "out/t/socket"));
}

TEST_CASE("tar: the archive decides neither the memory nor the room of its unpacking") {
  TarBytes many;
  for (int i = 0; i < 100; ++i)
    many.add({.name = "d" + std::to_string(i),
              .type = '5',
              .mode = 0755,
              .pax = {{"SCHILY.xattr.user.a", std::string(60'000, 'a')}}});
  CHECK(refused(many, {.memory_bytes = 1 << 20}).code == ErrorCode::exhausted);
  TarBytes map;
  std::string lines = "1000000\n";
  for (int i = 0; i < 1'000'000; ++i) lines += std::to_string(i) + "\n0\n";
  map.add({.name = "f",
           .content = lines,
           .pax = {{"GNU.sparse.major", "1"},
                   {"GNU.sparse.minor", "0"},
                   {"GNU.sparse.name", "f"},
                   {"GNU.sparse.realsize", "1000000"}}});
  CHECK(refused(map).code == ErrorCode::exhausted);
  CHECK(unpack(TarBytes().file("small").done(), TempDir().path(), {.reserve_bytes = UINT64_MAX / 4}).has_value());
  auto full =
      refused(TarBytes().directory("t").file("t/f", std::string(20 << 20, 'f')), {.reserve_bytes = UINT64_MAX / 4});
  CHECK(full.code == ErrorCode::exhausted);
  CHECK_THAT(full.sentence(), Contains("make room"));
  struct statvfs large{}, small{};
  large.f_frsize = small.f_frsize = 4096;
  large.f_blocks = 1 << 30;
  small.f_blocks = 20 * 256;
  CHECK(reserve_of(large) == limits::kRoomReserveBytes);
  CHECK(reserve_of(small) == 1 << 20);
}

TEST_CASE("tar: existing files are replaced, existing directories merged and left as they are") {
  TempDir dir;
  std::filesystem::create_directories(dir / "d");
  REQUIRE(::chmod((dir / "d").c_str(), 0700) == 0);
  spill(dir / "d/old", "old");
  spill(dir / "d/same", "old");
  REQUIRE(unpack(TarBytes().directory("./").directory("d", 0777).file("d/same", "new").file("d/new", "new").done(),
                 dir.path())
              .has_value());
  CHECK(slurp(dir / "d/old") == "old");
  CHECK(slurp(dir / "d/same") == "new");
  CHECK((stat_of(dir / "d").st_mode & 07777) == 0700);
  CHECK(unpack(TarBytes().file("d").done(), dir.path()).error().code == ErrorCode::exists);
  CHECK(unpack(TarBytes().directory("d/old").done(), dir.path()).error().code == ErrorCode::exists);
}

TEST_CASE("tar: setuid bits and the owner are kept only on request") {
  TempDir dir;
  std::string tar = TarBytes()
                        .add({.name = "su", .mode = 06755, .uid = ::geteuid() + 1u})
                        .add({.name = "sticky", .type = '5', .mode = 01777})
                        .done();
  REQUIRE(unpack(tar, dir.path()).has_value());
  CHECK((stat_of(dir / "su").st_mode & 07777) == 0755);
  CHECK((stat_of(dir / "sticky").st_mode & 07777) == 01777);
  CHECK(stat_of(dir / "su").st_uid == ::geteuid());
  REQUIRE(unpack(tar, dir.path(), {.keep_setid = true}).has_value());
  CHECK((stat_of(dir / "su").st_mode & 07777) == 06755);
  if (::geteuid() == 0) {
    REQUIRE(unpack(tar, dir.path(), {.keep_owner = true, .keep_setid = true}).has_value());
    CHECK(stat_of(dir / "su").st_uid == 1);
    CHECK((stat_of(dir / "su").st_mode & 07777) == 06755);
  }
}

TEST_CASE("tar: content over the bound stops the unpacking") {
  TarBytes tar;
  tar.file("a", std::string(6000, 'a')).file("b", std::string(6000, 'b'));
  CHECK(refused(tar, {.max_bytes = 11'999}).code == ErrorCode::exhausted);
  TempDir dir;
  CHECK(unpack(tar.done(), dir.path(), {.max_bytes = 12'000}).has_value());
}

TEST_CASE("tar: damaged and cut streams are corrupt") {
  std::string whole = TarBytes().file("a", std::string(3000, 'a')).file("b").done();
  TempDir dir;
  CHECK(unpack(whole.substr(0, 2000), dir.path()).error().code == ErrorCode::corrupt);
  CHECK(unpack(TarBytes().file("a").unfinished(), dir.path()).error().code == ErrorCode::corrupt);
  CHECK(unpack("", dir.path()).error().code == ErrorCode::corrupt);
  CHECK(unpack(TarBytes().done(), dir / "missing").error().code == ErrorCode::not_found);
}

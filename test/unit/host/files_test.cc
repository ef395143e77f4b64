// Files on real file systems: replaced completely or not at all, private when they must be, with their holes.
#include "host/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/bounds.h"
#include "catch.h"
#include "host/clone.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;
using limits::kMiB;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

struct Umask {
  explicit Umask(mode_t mask) : old(::umask(mask)) {}
  ~Umask() { ::umask(old); }
  mode_t old;
};

}  // namespace

TEST_CASE("read: whole files, /proc files, and never more than the limit") {
  test::TempDir dir;
  std::string content(100'000, 'x');
  dir.put("f", content);
  CHECK(read_file(dir / "f", 100'000) == content);
  CHECK(read_file(dir / "f", 99'999).error().code == ErrorCode::exhausted);
  CHECK(read_file("/dev/zero", 1000).error().code == ErrorCode::exhausted);
  CHECK(read_file("/proc/self/stat", 4096)->find("unit_host") != std::string::npos);
  CHECK(read_file(dir / "none", 10).error().message == dir / "none" + ": No such file or directory");
  CHECK(read_file(dir.path(), 10).error().code == ErrorCode::invalid);
}

TEST_CASE("read: regular files only, without waiting for the writer of a FIFO") {
  test::TempDir dir;
  dir.put("f", "content");
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(read_regular_file(dir / "f", 10) == "content");
  CHECK(read_regular_file(dir / "f", 3).error().code == ErrorCode::exhausted);
  CHECK(read_regular_file(dir / "none", 10).error().code == ErrorCode::not_found);
  for (const auto& other : {dir / "fifo", std::string("/dev/zero")})
    CHECK(read_regular_file(other, 10).error().message == other + " is not a regular file");
  CHECK(read_regular_file(dir.path(), 10).error().message == dir.path() + " is a directory, not a file");
}

TEST_CASE("write: the file is replaced in one step, with its mode, and nothing is left beside it") {
  test::TempDir dir;
  REQUIRE(write_file(dir / "f", "old"));
  CHECK(mode_of(dir / "f") == 0600);
  UniqueFd reader(::open((dir / "f").c_str(), O_RDONLY));
  REQUIRE(write_file(dir / "f", "new", 0640));
  char old[8] = {};
  CHECK(::read(reader.get(), old, sizeof old) == 3);
  CHECK(std::string(old) == "old");
  CHECK(read_file(dir / "f", 10) == "new");
  CHECK(mode_of(dir / "f") == 0640);
  CHECK(dir.entries() == 1);
}

TEST_CASE("write: a link is replaced, not followed") {
  test::TempDir dir;
  dir.put("target", "precious");
  REQUIRE(::symlink("target", (dir / "link").c_str()) == 0);
  REQUIRE(write_file(dir / "link", "new"));
  CHECK(read_file(dir / "target", 100) == "precious");
  CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(dir / "link")));
}

TEST_CASE("write: what fails leaves nothing behind") {
  test::TempDir dir;
  std::filesystem::create_directory(dir / "taken");
  CHECK_FALSE(write_file(dir / "taken", "x"));
  CHECK(dir.entries() == 1);
  CHECK(write_file(dir / "no/f", "x").error().code == ErrorCode::not_found);
  CHECK(write_all(-1, "x").error().sys_errno == EBADF);
  UniqueFd full(::open("/dev/full", O_WRONLY));
  CHECK(write_all(full.get(), "x").error().code == ErrorCode::exhausted);
}

TEST_CASE("directories: parents are 0755 under any umask, the last has its own mode") {
  test::TempDir dir;
  Umask open(0);
  REQUIRE(make_directories(dir / "a/b/c", 0700));
  CHECK(mode_of(dir / "a") == 0755);
  CHECK(mode_of(dir / "a/b") == 0755);
  CHECK(mode_of(dir / "a/b/c") == 0700);
  REQUIRE(make_directories(dir / "a/b/c", 0755));
  CHECK(mode_of(dir / "a/b/c") == 0700);
  REQUIRE(make_directories(dir / "d//", 0750));
  CHECK(mode_of(dir / "d") == 0750);
}

TEST_CASE("directories: a file in the way is an error") {
  test::TempDir dir;
  dir.put("f", "");
  CHECK(make_directories(dir / "f").error().message == dir / "f" + ": Not a directory");
  CHECK(make_directories(dir / "f/g").error().code == ErrorCode::invalid);
  REQUIRE(::symlink("nowhere", (dir / "dangling").c_str()) == 0);
  CHECK_FALSE(make_directories(dir / "dangling"));
  CHECK_FALSE(make_directories(""));
}

TEST_CASE("private directory: made, or taken over only when it is ours and real") {
  test::TempDir dir;
  Umask open(0);
  REQUIRE(make_private_directory(dir / "new/p"));
  CHECK(mode_of(dir / "new/p") == 0700);
  ::mkdir((dir / "loose").c_str(), 0777);
  REQUIRE(make_private_directory(dir / "loose"));
  CHECK(mode_of(dir / "loose") == 0700);
  REQUIRE(::symlink("loose", (dir / "link").c_str()) == 0);
  CHECK(make_private_directory(dir / "link").error().code == ErrorCode::invalid);
  dir.put("file", "");
  CHECK(make_private_directory(dir / "file").error().code == ErrorCode::invalid);
  if (::geteuid() != 0) return;
  ::mkdir((dir / "theirs").c_str(), 0700);
  REQUIRE(::chown((dir / "theirs").c_str(), 65534, 65534) == 0);
  CHECK(make_private_directory(dir / "theirs").error().code == ErrorCode::denied);
}

TEST_CASE("remove: trees without following links; a missing one is fine") {
  test::TempDir dir;
  std::filesystem::create_directories(dir / "tree/deep");
  dir.put("keep", "precious");
  ::symlink((dir / "keep").c_str(), (dir / "tree/link").c_str());
  ::symlink(dir.path().c_str(), (dir / "tree/up").c_str());
  REQUIRE(remove_tree(dir / "tree"));
  CHECK(read_file(dir / "keep", 100) == "precious");
  CHECK(dir.entries() == 1);
  CHECK(remove_tree(dir / "tree"));
  CHECK(remove_file(dir / "none"));
  CHECK(remove_file(dir / "keep"));
  CHECK_FALSE(remove_file(dir.path()));
}

namespace {

// 96 MiB with three islands of data.
void make_islands(const std::string& path) {
  REQUIRE(make_sparse_file(path, 96 * kMiB));
  UniqueFd fd(::open(path.c_str(), O_WRONLY));
  for (off_t at : {off_t{0}, static_cast<off_t>(40 * kMiB + 123), static_cast<off_t>(96 * kMiB - 5)})
    REQUIRE(::pwrite(fd.get(), "land!", 5, at) == 5);
}

void check_islands(const std::string& copy, const std::string& original) {
  CHECK(std::filesystem::file_size(copy) == 96 * kMiB);
  CHECK(disk_usage(copy) < 4 * kMiB);
  CHECK(sha256_file(copy) == sha256_file(original).value());
}

}  // namespace

TEST_CASE("clone: the same bytes, the same holes, its own mode") {
  test::TempDir dir;
  make_islands(dir / "from");
  REQUIRE(clone_file(dir / "from", dir / "to", 0640));
  check_islands(dir / "to", dir / "from");
  CHECK(mode_of(dir / "to") == 0640);
}

TEST_CASE("clone: to another file system too") {
  test::TempDir dir;
  char name[] = "/dev/shm/banger-XXXXXX";
  if (!::mkdtemp(name)) return;
  std::string other(name);
  make_islands(dir / "from");
  auto cloned = clone_file(dir / "from", other + "/to");
  CHECK(cloned);
  if (cloned) check_islands(other + "/to", dir / "from");
  REQUIRE(clone_file(other + "/to", dir / "back"));
  check_islands(dir / "back", dir / "from");
  std::filesystem::remove_all(other);
}

TEST_CASE("clone: never over an existing file, and a failure leaves nothing") {
  test::TempDir dir;
  dir.put("from", "new");
  dir.put("to", "precious");
  CHECK(clone_file(dir / "from", dir / "to").error().code == ErrorCode::exists);
  CHECK(read_file(dir / "to", 100) == "precious");
  CHECK(clone_file(dir / "none", dir / "other").error().code == ErrorCode::not_found);
  CHECK_FALSE(clone_file(dir.path(), dir / "other"));
  CHECK(dir.entries() == 2);
}

TEST_CASE("clone: a copy that may not go on ends, and leaves nothing") {
  test::TempDir dir;
  char name[] = "/dev/shm/banger-XXXXXX";  // another file system, so that it is no reflink
  if (!::mkdtemp(name)) return;
  std::string other(name);
  dir.put("from", std::string(2 * kMiB, 'x'));
  int pieces = 0;
  auto twice = [&]() -> Result<> { return ++pieces <= 2 ? Result<>() : fail(ErrorCode::exhausted, "enough"); };
  auto cloned = clone_file(dir / "from", other + "/to", 0600, twice);
  REQUIRE(!cloned);
  CHECK(cloned.error().code == ErrorCode::exhausted);
  CHECK(pieces == 3);
  CHECK(std::filesystem::is_empty(other));
  CHECK(clone_file(dir / "from", other + "/to", 0600, [] { return Result<>(); }));
  CHECK(read_file(other + "/to", 4 * kMiB) == std::string(2 * kMiB, 'x'));
  std::filesystem::remove_all(other);
}

TEST_CASE("clone: an empty file, and a file that is one hole") {
  test::TempDir dir;
  dir.put("empty", "");
  REQUIRE(clone_file(dir / "empty", dir / "empty2"));
  CHECK(std::filesystem::file_size(dir / "empty2") == 0);
  REQUIRE(make_sparse_file(dir / "hole", 10 * kMiB));
  REQUIRE(clone_file(dir / "hole", dir / "hole2"));
  CHECK(std::filesystem::file_size(dir / "hole2") == 10 * kMiB);
  CHECK(disk_usage(dir / "hole2") == 0);
}

TEST_CASE("same file: by any of its names and links, never a copy or a missing one") {
  test::TempDir dir;
  REQUIRE(write_file(dir / "a", "x"));
  REQUIRE(write_file(dir / "copy", "x"));
  REQUIRE(share_file(dir / "a", dir / "name"));
  std::filesystem::create_symlink(dir / "a", dir / "link");
  CHECK(same_file(dir / "a", dir / "name"));
  CHECK(same_file(dir / "a", dir / "link"));
  CHECK_FALSE(same_file(dir / "a", dir / "copy"));
  CHECK_FALSE(same_file(dir / "a", dir / "none"));
  CHECK_FALSE(same_file(dir / "none", dir / "none"));
}

TEST_CASE("share: another name of the same file, a copy on another file system, in place of what was there") {
  test::TempDir dir;
  auto from = dir / "a";
  REQUIRE(write_file(from, "first", 0600));
  REQUIRE(share_file(from, dir / "b"));
  REQUIRE(share_file(from, dir / "b"));
  CHECK(std::filesystem::hard_link_count(from) == 2);
  REQUIRE(write_file(dir / "b2", "other", 0600));
  REQUIRE(share_file(from, dir / "b2"));
  CHECK(read_file(dir / "b2", 100).value() == "first");
  CHECK(std::filesystem::hard_link_count(from) == 3);
  CHECK_FALSE(share_file(dir / "none", dir / "c"));
  CHECK_FALSE(std::filesystem::exists(dir / "c"));
}

TEST_CASE("sparse file: it has its size and takes no room; an existing one stays as it is") {
  test::TempDir dir;
  REQUIRE(make_sparse_file(dir / "f", 1ull << 40));
  CHECK(std::filesystem::file_size(dir / "f") == 1ull << 40);
  CHECK(disk_usage(dir / "f") == 0);
  CHECK(make_sparse_file(dir / "f", 1).error().code == ErrorCode::exists);
  CHECK_FALSE(make_sparse_file(dir / "huge", UINT64_MAX));
  CHECK(dir.entries() == 1);
  CHECK(disk_usage(dir / "none") == 0);
  CHECK(free_space(dir.path()).value() > 0);
  CHECK(free_space(dir / "none").error().code == ErrorCode::not_found);
}

TEST_CASE("sha256: the known values, files like bytes") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  test::TempDir dir;
  std::string content(300'000, 'q');
  dir.put("f", content);
  CHECK(sha256_file(dir / "f") == sha256_hex(content));
  CHECK(sha256_file(dir / "none").error().code == ErrorCode::not_found);
  CHECK(sha256_file(dir.path()).error().code == ErrorCode::invalid);
}

TEST_CASE("random id: ids are 12 of [a-z0-9] and differ") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto id = random_id();
    CHECK(id.size() == 12);
    CHECK(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == id.npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("random bytes: as many as asked, never the same") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(1000).size() == 1000);
  CHECK(random_bytes(16) != random_bytes(16));
}

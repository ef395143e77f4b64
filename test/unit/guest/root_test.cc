#include "guest/root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::guest;
namespace fs = std::filesystem;

namespace {

guestcfg::File file(const std::string& path, const std::string& data, std::uint32_t mode = 0644) {
  return {.path = path, .mode = mode, .uid = ::geteuid(), .gid = ::getegid(), .data = data};
}

struct stat info_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

struct Fixture {
  test::TempDir outside, inside;
  Result<Root> opened = Root::open(inside.path());
  const Root& root = *opened;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "guest root: writes content, mode and parents, and leaves nothing else") {
  auto changed = root.write_file(file("/a/b/c", std::string("x\0y", 3), 04750));
  REQUIRE(changed);
  CHECK(*changed);
  CHECK(inside.get("a/b/c") == std::string("x\0y", 3));
  CHECK((info_of(inside / "a/b/c").st_mode & 07777) == 04750);
  CHECK((info_of(inside / "a/b").st_mode & 07777) == 0755);
  CHECK(std::distance(fs::directory_iterator(inside / "a/b"), fs::directory_iterator()) == 1);
}

TEST_CASE_METHOD(Fixture,
                 "guest root: a file that is right already is not touched, one that differs in anything is replaced") {
  REQUIRE(root.write_file(file("/a", "same")));
  auto inode = info_of(inside / "a").st_ino;
  auto again = root.write_file(file("/a", "same"));
  REQUIRE(again);
  CHECK_FALSE(*again);
  CHECK(info_of(inside / "a").st_ino == inode);
  CHECK(root.write_file(file("/a", "sane")).value());
  CHECK(root.write_file(file("/a", "sane", 0600)).value());
  CHECK(root.write_file(file("/a", "longer than it was", 0600)).value());
  CHECK(inside.get("a") == "longer than it was");
}

TEST_CASE_METHOD(Fixture, "guest root: no symlink leads out") {
  outside.put("secret", "s");
  fs::create_symlink(outside.path(), inside / "abs");
  fs::create_symlink("../" + fs::path(outside.path()).filename().string(), inside / "rel");
  fs::create_symlink(outside / "secret", inside / "file");

  // Absolute links lead into the root, which has no such name. ".." stops at the root.
  CHECK_FALSE(root.exists("/abs/secret"));
  CHECK_FALSE(root.exists("/rel/secret"));
  CHECK_FALSE(root.exists("/../../../../../../.." + outside.path() + "/secret"));
  CHECK_FALSE(root.read_file("/file", 100));
  CHECK_FALSE(root.write_file(file("/abs/new", "x")));
  CHECK_FALSE(fs::exists(outside / "new"));

  // A link at the path itself is replaced, not followed.
  REQUIRE(root.write_file(file("/file", "mine")));
  CHECK(outside.get("secret") == "s");
  CHECK(inside.get("file") == "mine");
}

TEST_CASE_METHOD(Fixture, "guest root: links inside the root are followed as the guest would") {
  fs::create_directories(inside / "usr/lib");
  fs::create_symlink("/usr/lib", inside / "lib");
  REQUIRE(root.write_file(file("/lib/x", "y")));
  CHECK(inside.get("usr/lib/x") == "y");
  CHECK(root.read_file("/lib/x", 100) == std::string("y"));
}

TEST_CASE_METHOD(Fixture, "guest root: a fifo, a directory or a stale temporary file does not block") {
  REQUIRE(::mkfifo((inside / "fifo").c_str(), 0600) == 0);
  CHECK(root.write_file(file("/fifo", "x")).value());
  inside.put(".banger-" + std::to_string(::getpid()) + ".tmp", "left over");
  CHECK(root.write_file(file("/fresh", "x")).value());
  CHECK_FALSE(fs::exists(inside / (".banger-" + std::to_string(::getpid()) + ".tmp")));
  fs::create_directory(inside / "dir");
  auto refused = root.write_file(file("/dir", "x"));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("/dir"));
  CHECK(std::distance(fs::directory_iterator(inside.path()), fs::directory_iterator()) == 3);
}

TEST_CASE_METHOD(Fixture, "guest root: a forced file replaces an empty directory, and no other") {
  fs::create_directories(inside / "etc/hosts");
  CHECK(root.force_file(file("/etc/hosts", "x")).value());
  CHECK(inside.get("etc/hosts") == "x");
  fs::create_directories(inside / "etc/full/of");
  CHECK_FALSE(root.force_file(file("/etc/full", "x")));
  CHECK(fs::is_directory(inside / "etc/full/of"));
}

TEST_CASE_METHOD(Fixture, "guest root: a forced directory replaces files and links that lead nowhere, also above it") {
  inside.put("file", "x");
  fs::create_symlink("/nowhere", inside / "link");
  fs::create_symlink("loop", inside / "loop");
  fs::create_directory(inside / "real");
  fs::create_symlink("/real", inside / "good");
  for (const char* path : {"/file", "/link/below", "/loop"}) {
    INFO(path);
    CHECK(root.force_directory(path, 01777));
    CHECK((info_of(inside.path() + path).st_mode & 07777) == 01777);
  }
  CHECK(root.force_directory("/good/below"));
  CHECK(fs::is_directory(inside / "real/below"));
  CHECK(fs::is_symlink(inside / "good"));
  CHECK(root.force_directory("/"));
}

TEST_CASE_METHOD(Fixture, "guest root: makes a symlink once and replaces a wrong one") {
  CHECK(root.write_symlink("/dev/null", "/etc/x.service").value());
  CHECK_FALSE(root.write_symlink("/dev/null", "/etc/x.service").value());
  CHECK(root.write_symlink("elsewhere", "/etc/x.service").value());
  CHECK(root.link_target("/etc/x.service") == "elsewhere");
  CHECK(root.link_target("/etc").empty());
}

TEST_CASE_METHOD(Fixture, "guest root: removing a missing file succeeds, and removing a link keeps its target") {
  CHECK(root.remove_file("/no/such"));
  inside.put("plain", "x");
  CHECK(root.remove_file("/plain/such"));
  inside.put("target", "t");
  fs::create_symlink("target", inside / "link");
  CHECK(root.remove_file("/link"));
  CHECK_FALSE(fs::is_symlink(inside / "link"));
  CHECK(fs::exists(inside / "target"));
}

TEST_CASE("guest root: a path is split into directory and name") {
  CHECK(split_path("/a/b") == std::pair<std::string, std::string>("/a", "b"));
  CHECK(split_path("/b") == std::pair<std::string, std::string>("/", "b"));
}

TEST_CASE_METHOD(Fixture, "guest root: an update overwrites the same file in place, and replaces any other") {
  REQUIRE(root.write_file(file("/a", "four")));
  auto inode = info_of(inside / "a").st_ino;
  for (const char* text : {"a longer text", "short", ""}) {
    auto changed = root.update_file(file("/a", text));
    REQUIRE(changed);
    CHECK(*changed);
    CHECK(inside.get("a") == text);
    CHECK(info_of(inside / "a").st_ino == inode);
  }
  auto again = root.update_file(file("/a", ""));
  CHECK((again && !*again));
  // Another mode, a second name of the same file, a symlink, or no file: replaced as by write_file.
  REQUIRE(root.update_file(file("/a", "private", 0600)));
  CHECK(info_of(inside / "a").st_ino != inode);
  CHECK((info_of(inside / "a").st_mode & 07777) == 0600);
  fs::create_hard_link(inside / "a", inside / "b");
  REQUIRE(root.update_file(file("/a", "apart", 0600)));
  CHECK(inside.get("b") == "private");
  outside.put("target", "theirs");
  fs::create_symlink(outside / "target", inside / "link");
  REQUIRE(root.update_file(file("/link", "ours")));
  CHECK(outside.get("target") == "theirs");
  CHECK(inside.get("link") == "ours");
  REQUIRE(root.update_file(file("/new/one", "made")));
  CHECK(inside.get("new/one") == "made");
}

TEST_CASE_METHOD(Fixture, "guest root: every change is noted once, and only changes are") {
  Changes changes;
  auto noting = Root::open(inside.path(), &changes);
  REQUIRE(noting);
  REQUIRE(noting->write_file(file("/a", "x")));
  REQUIRE(noting->update_file(file("/a", "y")));
  REQUIRE(noting->write_file(file("/a", "y")));
  REQUIRE(noting->write_symlink("a", "/link"));
  REQUIRE(noting->write_symlink("a", "/link"));
  REQUIRE(noting->remove_file("/none"));
  REQUIRE(noting->remove_file("/link"));
  REQUIRE(noting->make_private_directory("/keys", ::geteuid(), ::getegid()));
  REQUIRE(noting->make_private_directory("/keys", ::geteuid(), ::getegid()));
  CHECK(changes.what == std::vector<std::string>{"/a", "/link", "/keys"});
  CHECK((info_of(inside / "keys").st_mode & 07777) == 0700);
}

TEST_CASE_METHOD(Fixture, "guest root: changes that are only listed are not made") {
  REQUIRE(root.write_file(file("/old", "x")));
  fs::create_directory(inside / "wide");
  Changes changes{.how = Changes::Do::only_list, .what = {}};
  auto listing = Root::open(inside.path(), &changes);
  REQUIRE(listing);
  CHECK(listing->write_file(file("/new/file", "x")) == true);
  CHECK(listing->write_file(file("/old", "x")) == false);
  CHECK(listing->update_file(file("/old", "y")) == true);
  CHECK(listing->write_symlink("old", "/link") == true);
  CHECK(listing->remove_file("/old"));
  CHECK(listing->make_private_directory("/wide", ::geteuid(), ::getegid()));
  CHECK(changes.what == std::vector<std::string>{"/new/file", "/old", "/link", "/wide"});
  CHECK(inside.get("old") == "x");
  CHECK(!fs::exists(inside / "new"));
  CHECK(!fs::exists(fs::symlink_status(inside / "link")));
  CHECK((info_of(inside / "wide").st_mode & 07777) != 0700);
}

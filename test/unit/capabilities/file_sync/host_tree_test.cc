// What [[file_sync]] takes from the host: symlinks, FIFOs, missing paths, modes and limits.
#include "capabilities/file_sync/host_tree.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::capabilities;
namespace fs = std::filesystem;

namespace {

struct Tree : test::TempDir {
  HostFiles host{.home = path() + "/home"};
  SyncBudget budget;
  SyncWarnings warnings;
  Tree() { fs::create_directories(host.home); }

  void put_mode(const std::string& name, mode_t mode) const {
    put(name, name);
    REQUIRE(::chmod((*this / name).c_str(), mode) == 0);
  }
  // "MODE PATH CONTENT" for files, "MODE PATH/" for directories.
  Result<std::vector<std::string>> visit(const config::FileSync& entry) {
    std::vector<std::string> seen;
    auto note = [&](const SyncedObject& object, int file, const struct stat&) -> Result<> {
      auto text = object.directory ? "/" : " " + TRY(host::read_all(file, "file", 1000));
      seen.push_back(fmt::format("{:04o} {}{}", object.mode, object.path, text));
      return {};
    };
    TRY(visit_synced(entry, host, budget, note, warnings));
    return seen;
  }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("host tree: a file has the mode 0600, or the one of its entry") {
  Tree tree;
  tree.put_mode("home/a", 0755);
  CHECK(*tree.visit({.host = "~/a", .guest = "b/c", .mode = {}}) == Lines{"0600 b/c home/a"});
  CHECK(*tree.visit({.host = "~/a", .guest = "b", .mode = 0644}) == Lines{"0644 b home/a"});
  CHECK(*tree.visit({.host = tree / "home/a", .guest = "b", .mode = {}}) == Lines{"0600 b home/a"});
  CHECK(tree.warnings.take().empty());
}

TEST_CASE("host tree: a directory keeps the modes of what is in it, without setuid bits") {
  Tree tree;
  tree.put_mode("home/d/z", 0640);
  tree.put_mode("home/d/sub/run", 04755);
  REQUIRE(::chmod((tree / "home/d").c_str(), 0700) == 0);
  REQUIRE(::chmod((tree / "home/d/sub").c_str(), 0750) == 0);
  CHECK(*tree.visit({.host = "~/d", .guest = ".d", .mode = {}}) ==
        Lines{"0700 .d/", "0750 .d/sub/", "0755 .d/sub/run home/d/sub/run", "0640 .d/z home/d/z"});
  CHECK(tree.warnings.take().empty());
  REQUIRE(tree.visit({.host = "~/d", .guest = "d", .mode = 0644}));
  CHECK(tree.warnings.take() == Lines{tree / "home/d: 'mode' is for a file, and this is a directory"});
}

TEST_CASE("host tree: only the path itself may be a symlink") {
  Tree tree;
  tree.put_mode("elsewhere/a", 0600);
  tree.put_mode("secret", 0600);
  fs::create_symlink(tree / "elsewhere", tree / "home/link");
  fs::create_symlink(tree / "secret", tree / "elsewhere/inner");
  fs::create_directory_symlink(tree / "home", tree / "elsewhere/loop");
  auto seen = tree.visit({.host = "~/link", .guest = "d", .mode = {}});
  REQUIRE(seen);
  CHECK(seen->size() == 2);
  CHECK(seen->back() == "0600 d/a elsewhere/a");
  CHECK(tree.warnings.take() == Lines{tree / "home/link/inner is skipped: it is a symlink",
                                      tree / "home/link/loop is skipped: it is a symlink"});
}

TEST_CASE("host tree: devices, sockets and FIFOs are skipped, and no FIFO holds up the walk") {
  Tree tree;
  tree.put_mode("home/d/a", 0600);
  REQUIRE(::mkfifo((tree / "home/d/fifo").c_str(), 0600) == 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (tree / "home/d/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(tree.visit({.host = "~/d", .guest = "d", .mode = {}})->size() == 2);
  CHECK(tree.warnings.take() ==
        Lines{tree / "home/d/fifo is skipped: it is a FIFO", tree / "home/d/socket is skipped: it is a socket"});
  CHECK(tree.visit({.host = "~/d/fifo", .guest = "f", .mode = {}})->empty());
  CHECK(tree.visit({.host = "/dev/null", .guest = "n", .mode = {}})->empty());
  CHECK(tree.warnings.take() ==
        Lines{tree / "home/d/fifo is skipped: it is a FIFO", "/dev/null is skipped: it is a device"});
}

TEST_CASE("host tree: a missing path, and a symlink to nothing, are warnings") {
  Tree tree;
  fs::create_symlink("nothing", tree / "home/dangling");
  CHECK(tree.visit({.host = "~/gone", .guest = "a", .mode = {}})->empty());
  CHECK(tree.visit({.host = "~/dangling", .guest = "a", .mode = {}})->empty());
  CHECK(tree.warnings.take() == Lines{tree / "home/gone is skipped: there is no such file or directory",
                                      tree / "home/dangling is skipped: there is no such file or directory"});
}

TEST_CASE("host tree: a system install reads only below the home, wherever links lead") {
  Tree tree;
  tree.host.only_home = true;
  tree.put_mode("outside", 0600);
  tree.put_mode("home/dotfiles/git", 0600);
  fs::create_symlink(tree / "home/dotfiles/git", tree / "home/.gitconfig");
  fs::create_symlink(tree / "outside", tree / "home/out");
  CHECK(tree.visit({.host = "~/.gitconfig", .guest = "g", .mode = {}})->size() == 1);
  CHECK(tree.visit({.host = tree / "home/dotfiles", .guest = "g", .mode = {}})->size() == 2);
  CHECK(tree.warnings.take().empty());
  for (const auto& path : {tree / "outside", tree / "home/out", tree / "home2/x", std::string("/etc/passwd")}) {
    INFO(path);
    CHECK(tree.visit({.host = path, .guest = "g", .mode = {}})->empty());
    CHECK(tree.warnings.take().size() == 1);
  }
}

TEST_CASE("host tree: the file with the key of vm ssh is never written") {
  Tree tree;
  tree.put_mode("home/.ssh/authorized_keys", 0600);
  tree.put_mode("home/.ssh/config", 0600);
  CHECK(tree.visit({.host = "~/.ssh", .guest = ".ssh", .mode = {}})->size() == 2);
  CHECK(tree.warnings.take() ==
        Lines{tree / "home/.ssh/authorized_keys is skipped: banger writes this file of the guest itself"});
}

TEST_CASE("host tree: number and size of files have limits") {
  Tree tree;
  for (auto name : {"a", "b", "c"}) tree.put_mode(fmt::format("home/d/{}", name), 0600);
  config::FileSync entry{.host = "~/d", .guest = "d", .mode = {}};
  tree.budget.objects = 3;
  CHECK(tree.visit(entry).error().code == ErrorCode::exhausted);
  tree.budget = {.bytes = 3 * std::string_view("home/d/a").size()};
  CHECK(tree.visit(entry));
  CHECK(tree.budget.bytes == 0);
  tree.budget = {.bytes = 10};
  CHECK(tree.visit(entry).error().message == "a guest gets at most 1G");
}

TEST_CASE("host tree: a path is nested so deep at most, and no path is too long for a guest") {
  Tree tree;
  std::string deep = "home/d";
  for (std::size_t i = 0; i < limits::kSyncDepth; ++i) deep += "/x";
  tree.put(deep + "/a", "a");
  auto seen = tree.visit({.host = "~/d", .guest = "d", .mode = {}});
  CHECK(seen->size() == limits::kSyncDepth);
  CHECK_THAT(join(tree.warnings.take(), "\n"), Catch::Contains("directories deep"));
}

TEST_CASE("host tree: many warnings end with a count") {
  SyncWarnings warnings;
  for (std::size_t i = 0; i < limits::kSyncWarnings + 5; ++i) warnings.add("a");
  auto list = warnings.take();
  CHECK(list.size() == limits::kSyncWarnings + 1);
  CHECK(list.back() == "5 more warnings are not shown");
}

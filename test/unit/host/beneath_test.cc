// Paths of requests: opened beneath the allowed directories, without following links, even if names are swapped
// meanwhile.
#include "host/beneath.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {

std::string content(const UniqueFd& fd) {
  char text[64];
  auto count = ::pread(fd.get(), text, sizeof text, 0);
  return std::string(text, count > 0 ? static_cast<std::size_t>(count) : 0);
}

struct Place {
  Place() {
    std::filesystem::create_directories(dir / "allowed/inner");
    dir.put("allowed/inner/file", "ours");
    dir.put("secret", "theirs");
    roots = {dir / "allowed"};
  }
  Result<UniqueFd> open(const std::string& path, int flags = O_RDONLY) const {
    return open_beneath(roots, path, flags);
  }
  test::TempDir dir;
  std::vector<std::string> roots;
};

}  // namespace

TEST_CASE("beneath: opens files and directories at any depth, and no others") {
  Place place;
  auto file = place.open(place.dir / "allowed/inner/file");
  REQUIRE(file);
  CHECK(content(*file) == "ours");
  CHECK(::fcntl(file->get(), F_GETFD) == FD_CLOEXEC);
  CHECK(place.open(place.dir / "allowed/inner", O_PATH | O_DIRECTORY));
  CHECK(place.open(place.dir / "allowed/none").error().code == ErrorCode::not_found);
  CHECK(place.open(place.dir / "secret").error().code == ErrorCode::denied);
  CHECK(place.open(place.dir / "allowed").error().code == ErrorCode::denied);
  CHECK(place.open(place.dir / "allowedby/none").error().code == ErrorCode::denied);
  CHECK(open_beneath({}, "/etc/passwd", O_RDONLY).error().code == ErrorCode::denied);
}

TEST_CASE("beneath: paths that are not plain are refused before anything is looked at") {
  Place place;
  auto inner = place.dir / "allowed/inner";
  for (const auto& path :
       {std::string(), std::string("relative"), inner + "/../../secret", inner + "/./file", inner + "//file",
        inner + "/", std::string("/"), inner + std::string("/a\0b", 4), "/" + std::string(5000, 'x')})
    CHECK(place.open(path).error().code == ErrorCode::invalid);
}

TEST_CASE("beneath: no link is followed, at the end, on the way or in the root itself") {
  Place place;
  REQUIRE(::symlink((place.dir / "secret").c_str(), (place.dir / "allowed/out").c_str()) == 0);
  REQUIRE(::symlink("inner", (place.dir / "allowed/in").c_str()) == 0);
  REQUIRE(::symlink("/proc/self/root", (place.dir / "allowed/magic").c_str()) == 0);
  REQUIRE(::symlink((place.dir / "allowed").c_str(), (place.dir / "alias").c_str()) == 0);
  for (auto* name : {"allowed/out", "allowed/in", "allowed/in/file", "allowed/magic/etc/passwd"}) {
    INFO(name);
    CHECK(place.open(place.dir / name).error().code == ErrorCode::denied);
  }
  std::vector<std::string> aliased{place.dir / "alias"};
  CHECK_FALSE(open_beneath(aliased, place.dir / "alias/inner/file", O_RDONLY));
}

TEST_CASE("beneath: a directory swapped for a link while it is opened never leads outside") {
  Place place;
  std::filesystem::create_directories(place.dir / "outside");
  place.dir.put("outside/file", "theirs");
  REQUIRE(::symlink((place.dir / "outside").c_str(), (place.dir / "link").c_str()) == 0);
  auto victim = place.dir / "allowed/inner", link = place.dir / "link";
  std::atomic<bool> done = false;
  std::thread swapper([&] {
    while (!done) ::syscall(SYS_renameat2, AT_FDCWD, victim.c_str(), AT_FDCWD, link.c_str(), 2u /* RENAME_EXCHANGE */);
  });
  int opened = 0, refused = 0, wrong = 0;
  for (int round = 0; round < 5000 || ((!opened || !refused) && round < 500'000); ++round) {
    auto file = open_owned_file(place.roots, place.dir / "allowed/inner/file", O_RDONLY, ::geteuid());
    (file ? opened : refused) += 1;
    if (file && content(*file) != "ours") ++wrong;
  }
  done = true;
  swapper.join();
  CHECK(wrong == 0);
  CHECK(opened > 0);
  CHECK(refused > 0);
}

TEST_CASE("beneath: what was opened stays the same when its name goes to another file") {
  Place place;
  auto path = place.dir / "allowed/inner/file";
  auto file = open_owned_file(place.roots, path, O_RDONLY, ::geteuid());
  REQUIRE(file);
  place.dir.put("allowed/inner/other", "swapped");
  std::filesystem::rename(place.dir / "allowed/inner/other", path);
  UniqueFd again(::open(path_of_fd(*file).c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(content(again) == "ours");
}

TEST_CASE("beneath: an owned file is a regular one of that user with a single name") {
  Place place;
  auto uid = ::geteuid();
  auto open = [&](const std::string& name, uid_t owner) {
    return open_owned_file(place.roots, place.dir / name, O_RDONLY, owner);
  };
  REQUIRE(open("allowed/inner/file", uid));
  CHECK(open("allowed/inner/file", uid + 1).error().code == ErrorCode::denied);
  CHECK(open("allowed/inner", uid).error().code == ErrorCode::denied);
  REQUIRE(::mkfifo((place.dir / "allowed/pipe").c_str(), 0600) == 0);
  CHECK(open("allowed/pipe", uid).error().code == ErrorCode::denied);
  REQUIRE(::link((place.dir / "secret").c_str(), (place.dir / "allowed/second").c_str()) == 0);
  CHECK(open("allowed/second", uid).error().code == ErrorCode::denied);
}

TEST_CASE("beneath: links of an open directory are followed while they stay beneath it") {
  Place place;
  auto open = [&](const std::string& name) {
    UniqueFd directory(::open((place.dir / "allowed").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return open_regular_beneath(directory.get(), name);
  };
  std::filesystem::create_symlink("inner/../inner/file", place.dir / "allowed/good");
  CHECK(content(open("good").value()) == "ours");
  std::filesystem::create_symlink("../secret", place.dir / "allowed/out");
  std::filesystem::create_symlink(place.dir / "allowed/inner/file", place.dir / "allowed/absolute");
  for (auto name : {"out", "absolute", "../secret"}) CHECK(open(name).error().sys_errno == EXDEV);
  CHECK(open("missing").error().sys_errno == ENOENT);
  CHECK(open("inner").error().code == ErrorCode::invalid);
  REQUIRE(::mkfifo((place.dir / "allowed/fifo").c_str(), 0600) == 0);
  CHECK(open("fifo").error().code == ErrorCode::invalid);
}

// Stores that other users could write to.
#include "image/store_guard.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

struct Fixture {
  Fixture() {
    paths.data = directory / "data";
    paths.cache = directory / "cache";
    for (const auto& path : all()) {
      REQUIRE(host::make_directories(path, 0755));
      REQUIRE(::chmod(path.c_str(), 0755) == 0);
    }
  }
  std::vector<std::string> all() const {
    return {paths.data, paths.cache, paths.images(), paths.images() + "/x", paths.kernels(), paths.kernels() + "/y"};
  }
  mode_t mode(const std::string& path) const {
    struct stat info{};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
  }
  test::TempDir directory;
  host::Paths paths;
};

}  // namespace

TEST_CASE("store guard: stores that only their owner writes to are good, and so are missing ones") {
  Fixture f;
  CHECK(image::check_stores(f.paths));
  CHECK(image::guard_stores(f.paths));
  f.paths.data = f.directory / "none";
  CHECK(image::check_stores(f.paths));
  CHECK(image::guard_stores(f.paths));
}

TEST_CASE("store guard: the right to write of others is found and taken away, wherever it is") {
  for (mode_t mode : {0777, 0775, 0757}) {
    Fixture f;
    for (const auto& path : f.all()) {
      REQUIRE(::chmod(path.c_str(), mode) == 0);
      auto found = image::check_stores(f.paths);
      REQUIRE_FALSE(found);
      CHECK(found.error().hint == "chmod go-w " + path);
      REQUIRE(image::guard_stores(f.paths));
      CHECK(f.mode(path) == 0755);
      CHECK(image::check_stores(f.paths));
    }
  }
}

TEST_CASE("store guard: a store of another user is refused") {
  if (::geteuid() != 0) {
    printf("SKIPPED: store guard: a store of another user is refused: only root can make one\n");
    return;
  }
  Fixture f;
  REQUIRE(::chown(f.paths.images().c_str(), 4711, 4711) == 0);
  for (auto kept : {image::check_stores(f.paths), image::guard_stores(f.paths)}) {
    REQUIRE_FALSE(kept);
    CHECK(kept.error().code == ErrorCode::denied);
    CHECK(kept.error().message.find("uid 4711") != std::string::npos);
  }
}

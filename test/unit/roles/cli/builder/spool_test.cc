#include "roles/cli/builder/spool.h"

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "catch.h"
#include "image/oci/blob_cache.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

struct Fixture {
  test::TempDir home;
  Io io{.env = {}, .environment = {}, .daemon_command = {}};

  Fixture() {
    io.env = [this](const std::string& name) -> std::optional<std::string> {
      return name == "HOME" ? std::optional(home.path()) : std::nullopt;
    };
  }
};

bool is_named(const Spool& spool) {
  struct stat open{}, named{};
  return ::fstat(spool.fd(), &open) == 0 && ::stat(spool.path().c_str(), &named) == 0 && open.st_ino == named.st_ino;
}

}  // namespace

TEST_CASE("spool: the file is private, and goes with the object") {
  Fixture f;
  std::string path;
  {
    auto spool = Spool::make(f.io).value();
    path = spool.path();
    CHECK(is_named(spool));
    CHECK(std::filesystem::status(path).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("spool: a prune takes no file that is being made") {
  Fixture f;
  std::string cache = host::find_paths(f.io.env).value().cache;
  std::atomic<bool> stop = false;
  std::jthread pruning([&] {
    image::oci::BlobCache blobs(cache);
    while (!stop)
      for (const auto& unused : blobs.unused({})) (void)blobs.remove(unused);
  });
  int lost = 0;
  for (int i = 0; i < 2000; ++i) {
    auto spool = Spool::make(f.io);
    lost += !spool || !is_named(*spool);
  }
  stop = true;
  CHECK(lost == 0);
}

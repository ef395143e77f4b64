// Directories that a store fills, replaces or removes.
#include "image/staged_directory.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

/// Looks for leftovers the whole time, as another daemon with the same data does.
class Watch {
 public:
  explicit Watch(std::string directory)
      : thread_([this, directory](std::stop_token stop) {
          while (!stop.stop_requested()) {
            if (!image::staged_leftovers(directory).empty()) ++found_;
            begun_ = true;
            begun_.notify_one();
          }
        }) {
    begun_.wait(false);
  }
  int found() {
    thread_.request_stop();
    thread_.join();
    return found_;
  }

 private:
  std::atomic<bool> begun_ = false;
  std::atomic<int> found_ = 0;
  std::jthread thread_;
};

void fill(const std::string& directory) {
  std::filesystem::create_directories(directory);
  for (int i = 0; i < 500; ++i) std::ofstream(directory + "/" + std::to_string(i)) << i;
}

}  // namespace

TEST_CASE("staged directory: an entry that is being removed is no leftover") {
  test::TempDir directory;
  Watch watch(directory.path());
  for (int i = 0; i < 20; ++i) {
    fill(directory / "entry");
    REQUIRE(image::remove(image::take_out(directory.path(), "entry").value()));
  }
  CHECK(watch.found() == 0);
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("staged directory: an entry that is being replaced is no leftover") {
  test::TempDir directory;
  std::vector<image::StagedDirectory> newer;
  for (int i = 0; i < 20; ++i) {
    newer.push_back(image::StagedDirectory::make(directory.path(), "entry").value());
    fill(newer.back().path());
  }
  fill(directory / "entry");
  Watch watch(directory.path());
  for (auto& staged : newer) REQUIRE(std::move(staged).replace(directory / "entry"));
  CHECK(watch.found() == 0);
  CHECK(image::store_entries(directory.path()) == std::vector<std::string>{"entry"});
}

TEST_CASE("staged directory: what a process holds cannot be removed as a leftover") {
  test::TempDir directory;
  auto staged = image::StagedDirectory::make(directory.path(), "entry").value();
  CHECK(image::remove_leftover(staged.path()).error().code == ErrorCode::busy);
  CHECK(std::filesystem::exists(staged.path()));

  directory.put(".other.partial-12345678/file", "left");
  std::string path = directory / ".other.partial-12345678";
  CHECK(image::staged_leftovers(directory.path()) == std::vector{path});
  CHECK(image::remove_leftover(path));
  CHECK_FALSE(std::filesystem::exists(path));
}

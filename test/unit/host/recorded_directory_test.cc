#include "host/recorded_directory.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;
namespace fs = std::filesystem;

namespace {

std::size_t entries(const std::string& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

// A process that makes a directory with a file in it, and is killed.
std::string killed_owner(const std::string& records, const std::string& parent) {
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto made = RecordedDirectory::make(records, parent, ".stage-");
    bool good = made && fs::create_directory(made->path() + "/closed") && write_file(made->path() + "/closed/f", "x");
    if (good) ::chmod((made->path() + "/closed").c_str(), 0500);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  auto found = abandoned_directories(records);
  REQUIRE(found.size() == 1);
  return found[0].path;
}

}  // namespace

TEST_CASE("recorded directory: leaves neither files nor a record") {
  test::TempDir dir;
  auto records = dir / "state/records";
  {
    auto made = RecordedDirectory::make(records, dir.path(), ".stage-");
    REQUIRE(made.has_value());
    CHECK(fs::path(made->path()).filename().string().starts_with(".stage-"));
    CHECK(entries(records) == 1);
    CHECK(abandoned_directories(records).empty());
    REQUIRE(write_file(made->path() + "/f", "x"));
    auto moved = std::move(*made);
    CHECK(fs::exists(moved.path() + "/f"));
  }
  CHECK(entries(records) == 0);
  CHECK(entries(dir.path()) == 1);
  CHECK(!RecordedDirectory::make(records, dir / "missing", ".stage-"));
  CHECK(entries(records) == 0);
}

TEST_CASE("recorded directory: what a killed process left is found and removed") {
  test::TempDir dir;
  auto records = dir / "records";
  fs::create_directory(dir / "parent");
  auto path = killed_owner(records, dir / "parent");
  CHECK(fs::exists(path + "/closed/f"));
  auto found = abandoned_directories(records);
  REQUIRE(found.size() == 1);
  REQUIRE(remove_abandoned(found[0]).has_value());
  CHECK(entries(dir / "parent") == 0);
  CHECK(entries(records) == 0);
  CHECK(remove_abandoned(found[0]).has_value());
}

TEST_CASE("recorded directory: a sweep takes nothing from a running owner") {
  test::TempDir dir;
  auto records = dir / "records";
  auto made = RecordedDirectory::make(records, dir.path(), ".stage-");
  REQUIRE(made.has_value());
  auto record = fs::directory_iterator(records)->path().string();
  auto removed = remove_abandoned({.path = made->path(), .record = record});
  CHECK((!removed && removed.error().code == ErrorCode::busy));
  CHECK(fs::exists(made->path()));
}

TEST_CASE("recorded directory: a record removes only a directory of its own name") {
  test::TempDir dir;
  fs::create_directories(dir / "records");
  fs::create_directories(dir / "precious");
  REQUIRE(write_file(dir / "records/0123", dir / "precious"));
  auto found = abandoned_directories(dir / "records");
  REQUIRE(found.size() == 1);
  CHECK(remove_abandoned(found[0]).error().code == ErrorCode::denied);
  fs::create_symlink(dir / "precious", dir / "x0123");
  CHECK(remove_abandoned({.path = dir / "x0123", .record = found[0].record}).error().code == ErrorCode::denied);
  CHECK(fs::exists(dir / "precious"));
}

// A crash after any step of a replacement leaves all disks of before or all disks of the saved state.
#include "engine/vm/disk_switch.h"

#include <filesystem>
#include <map>

#include "catch.h"
#include "engine/vm/disks.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;
namespace fs = std::filesystem;

namespace {

using Content = std::map<std::string, std::string>;  // by file name

void put(const std::string& directory, const Content& files) {
  REQUIRE(host::make_private_directory(directory));
  for (const auto& [name, text] : files) REQUIRE(host::write_file(directory + "/" + name, text));
}

Content content(const std::string& directory) {
  Content files;
  for (const auto& entry : fs::directory_iterator(directory))
    files[entry.path().filename()] =
        entry.is_directory() ? "(directory)" : host::read_file(entry.path(), 1000).value_or("(unreadable)");
  return files;
}

const Content kNow = {{"system.img", "now"}, {"work.img", "now"}, {"modules.img", "now"}, {"console.log", "now"}};
const Content kThen = {{"system.img", "then"}, {"work.img", "then"}, {"modules.img", "then"}};
const Content kRestored = {
    {"system.img", "then"}, {"work.img", "then"}, {"modules.img", "then"}, {"console.log", "now"}};

struct Directories {
  explicit Directories(const Content& now = kNow, const Content& then = kThen) {
    put(own, now);
    put(saved, then);
  }
  test::TempDir directory;
  std::string own = directory / "own", saved = directory / "saved";
};

Result<> first_steps(const DiskSteps& steps, std::size_t count) {
  return carry_out({steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(count)});
}

}  // namespace

TEST_CASE("disk switch: a crash at any step of staging changes no disk") {
  auto steps = steps_to_stage("", "").size();
  for (std::size_t done = 0; done <= steps; ++done) {
    Directories d;
    INFO("after step " << done);
    REQUIRE(first_steps(steps_to_stage(d.saved, d.own), done));
    REQUIRE(remove_leftovers(d.own));
    CHECK(content(d.own) == kNow);
    CHECK(content(d.saved) == kThen);
  }
}

TEST_CASE("disk switch: after a crash at any step, a repeated switch puts all disks into place") {
  auto steps = steps_to_switch("").size();
  for (bool modules : {true, false})
    for (std::size_t done = 0; done <= steps; ++done) {
      Directories d;
      auto expected = kRestored;
      if (!modules) {
        REQUIRE(host::remove_file(d.saved + "/modules.img"));
        expected.erase("modules.img");
      }
      INFO("after step " << done);
      REQUIRE(carry_out(steps_to_stage(d.saved, d.own)));
      REQUIRE(first_steps(steps_to_switch(d.own), done));
      for (int repeated = 0; repeated < 2; ++repeated) {
        REQUIRE(carry_out(steps_to_switch(d.own)));
        CHECK(content(d.own) == expected);
      }
    }
}

TEST_CASE("disk switch: a step that fails can be repeated") {
  Directories d;
  REQUIRE(carry_out(steps_to_stage(d.saved, d.own)));
  REQUIRE(host::remove_file(d.own + "/work.img"));
  fs::create_directories(d.own + "/work.img/in-the-way");
  CHECK(!carry_out(steps_to_switch(d.own)));
  CHECK(content(d.own).at("system.img") == "then");
  fs::remove_all(d.own + "/work.img");
  REQUIRE(carry_out(steps_to_switch(d.own)));
  CHECK(content(d.own) == kRestored);
}

TEST_CASE("disk switch: a saved console comes along only where there is none") {
  auto then = kThen;
  then["console.log"] = "then";
  for (bool has_own : {true, false}) {
    auto now = kNow;
    if (!has_own) now.erase("console.log");
    Directories d(now, then);
    REQUIRE(carry_out(steps_to_stage(d.saved, d.own)));
    REQUIRE(carry_out(steps_to_switch(d.own)));
    CHECK(content(d.own).at("console.log") == (has_own ? "now" : "then"));
  }
}

TEST_CASE("disk switch: leftovers are everything that was never finished") {
  Directories d;
  put(d.own, {{"system.img.part", ""}, {"guest.cpio.1234.tmp", ""}});
  put(d.own + "/restore.part", {{"work.img", ""}});
  CHECK(leftovers(d.own).size() == 3);
  REQUIRE(remove_leftovers(d.own));
  CHECK(content(d.own) == kNow);
  CHECK(leftovers(d.directory / "missing").empty());
}

// The files of a VM's directory: which files are part of saved states, and which are removed after the process's end.
#include "engine/vm/disks.h"

#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/disk_switch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;

namespace {

struct Files : Fixture {
  Files() {
    REQUIRE(host::make_private_directory(paths.vm("box")));
    REQUIRE(host::make_private_directory(paths.save("save")));
    for (const auto& file : vm_files()) put_own(file.name, std::string(file.name));
  }
  void put_own(std::string_view name, const std::string& text) {
    REQUIRE(host::write_file(paths.vm("box") + "/" + std::string(name), text));
  }
  std::string text(const std::string& directory, std::string_view name) const {
    auto read = host::read_file(directory + "/" + std::string(name), 1000);
    return read ? *read : "(none)";
  }
  std::string own(std::string_view name) const { return text(paths.vm("box"), name); }
  std::string saved(std::string_view name) const { return text(paths.save("save"), name); }
  VmDisks disks{daemon->runtime, daemon->saves, paths.vm("box")};
};

bool goes_along(FileRole role) {
  return role == FileRole::disk || role == FileRole::shared_disk || role == FileRole::console;
}

}  // namespace

TEST_CASE("disks: a saved state has the disks and the console, and no file of one start") {
  Files f;
  REQUIRE(f.disks.copy_to("save"));
  for (const auto& file : vm_files()) {
    INFO(file.name);
    CHECK(f.saved(file.name) == (goes_along(file.role) ? std::string(file.name) : "(none)"));
  }
}

TEST_CASE("disks: a copy keeps a disk that exists, and a switch replaces it") {
  Files f;
  REQUIRE(f.disks.copy_to("save"));
  f.put_own("system.img", "newer");
  REQUIRE(f.run(f.disks.copy_from("save")));
  CHECK(f.own("system.img") == "newer");
  REQUIRE(f.run(f.disks.stage("save")));
  CHECK(f.own("system.img") == "newer");
  REQUIRE(f.run(f.disks.switch_over()));
  CHECK(f.own("system.img") == "system.img");
}

TEST_CASE("disks: files that move into a saved state leave the VM") {
  Files f;
  REQUIRE(host::remove_file(f.paths.vm("box") + "/modules.img"));
  REQUIRE(f.disks.move_to("save"));
  CHECK(f.own("work.img") == "(none)");
  CHECK(f.saved("work.img") == "work.img");
  CHECK(!f.disks.move_to("save"));
}

TEST_CASE("disks: a failed copy leaves the existing disk") {
  Files f;
  CHECK(!f.run(f.disks.stage("save")));
  CHECK(f.own("system.img") == "system.img");
  CHECK(leftovers(f.paths.vm("box")).empty());
}

TEST_CASE("disks: only files of one start are removed after the process's end") {
  Files f;
  f.disks.remove_start_files();
  for (const auto& file : vm_files()) {
    INFO(file.name);
    CHECK((f.own(file.name) == "(none)") == (file.role == FileRole::start));
  }
  REQUIRE(f.disks.remove_disks());
  CHECK(f.own("system.img") == "(none)");
  CHECK(f.own("console.log") == "console.log");
}

TEST_CASE("disks: shared files do not count for the size") {
  Files f;
  auto before = f.disks.used_bytes();
  f.put_own("modules.img", std::string(1 << 20, 'm'));
  CHECK(f.disks.used_bytes() == before);
  f.put_own("work.img", std::string(1 << 20, 'w'));
  CHECK(f.disks.used_bytes() >= before + (1 << 20) - 4096);
}

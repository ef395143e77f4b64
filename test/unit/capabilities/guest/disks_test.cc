#include "capabilities/guest/disks.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "capabilities/sandbox.h"
#include "capabilities/temp_dir.h"
#include "catch.h"

using namespace banger;
using namespace banger::capabilities::guest;
using guestcfg::Disk;
using namespace std::chrono_literals;

namespace {

guestcfg::GuestConfig three_disks() {
  guestcfg::GuestConfig config;
  config.disks = {{"rootfs", 0, Disk::Role::rootfs}, {"system", 1, Disk::Role::system}, {"work", 2, Disk::Role::work}};
  return config;
}

std::string find(const guestcfg::GuestConfig& config, std::size_t disk, const test::TempDir& sys) {
  auto found = find_device(config, config.disks[disk], 0ms, sys.path());
  return found ? *found : found.error().message;
}

}  // namespace

TEST_CASE("disks: a serial decides, whatever the order") {
  test::TempDir sys;
  sys.put("vda/serial", "work\n");
  sys.put("vdb/serial", "rootfs");
  sys.put("vdc/serial", "system");
  auto config = three_disks();
  CHECK(find(config, 0, sys) == "/dev/vdb");
  CHECK(find(config, 1, sys) == "/dev/vdc");
  CHECK(find(config, 2, sys) == "/dev/vda");
}

TEST_CASE("disks: without known serials the position decides, vdb before vdaa") {
  test::TempDir sys;
  sys.put("vdaa/serial", "");
  sys.put("vdb/serial", "5242881-12");
  sys.put("vda/serial", "");
  sys.put("loop0/size", "");
  auto config = three_disks();
  CHECK(find(config, 0, sys) == "/dev/vda");
  CHECK(find(config, 1, sys) == "/dev/vdb");
  CHECK(find(config, 2, sys) == "/dev/vdaa");
}

TEST_CASE("disks: a missing serial is not guessed by position when others are there, and the error says what is") {
  test::TempDir sys;
  sys.put("vda/serial", "rootfs");
  sys.put("vdb/serial", "other");
  CHECK_THAT(find(three_disks(), 1, sys), Catch::Contains("'system'") && Catch::Contains("vdb ('other')"));
  test::TempDir empty;
  CHECK_THAT(find(three_disks(), 0, empty), Catch::Contains("there is none"));
}

TEST_CASE("mounts: options are split into flags and the file system's own") {
  auto options = parse_mount_options("ro,noatime,size=1M,,mode=0700,defaults");
  CHECK(options.flags == (MS_RDONLY | MS_NOATIME));
  CHECK(options.data == "size=1M,mode=0700");
  CHECK(parse_mount_options("").flags == 0);
}

TEST_CASE("mounts: a mount and a read-only bind are made once") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir directory;
  directory.put("source/file", "x");
  CHECK(test::in_sandbox([&]() -> std::string {
          auto root = Root::open(directory.path());
          const guestcfg::Mount mounts[] = {{"tmpfs", "/new/scratch", "tmpfs", "size=64k,noexec"},
                                            {"/source", "/bound", "", "bind,ro"}};
          for (int round = 0; round < 2; ++round)
            for (const auto& mount : mounts)
              if (auto made = apply_mount(*root, mount); !made) return made.error().sentence();
          if (!is_mount_point(*root, "/new/scratch") || is_mount_point(*root, "/source"))
            return "mount points are wrong";
          struct statvfs info{};
          if (::statvfs((directory / "bound").c_str(), &info) < 0 || !(info.f_flag & ST_RDONLY))
            return "the bind is writable";
          if (directory.get("bound/file") != "x") return "the bind shows something else";
          // Unmounted once, nothing is left: the second round added nothing.
          if (::umount((directory / "new/scratch").c_str()) < 0 || is_mount_point(*root, "/new/scratch"))
            return "mounted twice";
          return "";
        }) == "");
}

#include "guest/disks.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <thread>

#include "catch.h"
#include "ext4/ext4.h"
#include "support/sandbox.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::guest;
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

constexpr std::uint64_t kMiB = 1 << 20;

/// A file as a block device, for the lifetime of this object.
class LoopDevice {
 public:
  explicit LoopDevice(const std::string& file) : file_(::open(file.c_str(), O_RDWR | O_CLOEXEC)) {
    UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    int number = control ? ::ioctl(control.get(), LOOP_CTL_GET_FREE) : -1;
    if (number < 0) return;
    path = "/dev/loop" + std::to_string(number);
    device_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct loop_config config{};
    config.fd = static_cast<std::uint32_t>(file_.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (!device_ || ::ioctl(device_.get(), LOOP_CONFIGURE, &config) < 0) path.clear();
  }
  /// As a host resizes a disk while the guest runs.
  bool resize(std::uint64_t bytes) {
    return ::ftruncate(file_.get(), static_cast<off_t>(bytes)) == 0 && ::ioctl(device_.get(), LOOP_SET_CAPACITY) == 0;
  }
  std::string path;  ///< empty: this host allows none

 private:
  UniqueFd file_, device_;
};

std::uint64_t blocks_of(const std::string& path) {
  struct statvfs info{};
  return ::statvfs(path.c_str(), &info) == 0 ? info.f_blocks * info.f_frsize : 0;
}

std::string check_growing(const test::TempDir& directory) {
  LoopDevice disk(directory / "disk");
  std::filesystem::create_directory(directory / "mounted");
  if (disk.path.empty() || ::mount(disk.path.c_str(), (directory / "mounted").c_str(), "ext4", 0, kDiskOptions) < 0)
    return "no loop device";
  UniqueFd mounted(::open((directory / "mounted").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto before = blocks_of(directory / "mounted");
  if (auto grown = grow_ext4(disk.path, mounted.get(), 64 * kMiB); !grown) return grown.error().sentence();
  if (blocks_of(directory / "mounted") != before) return "it grew for nothing";
  auto late = grow_ext4(disk.path, mounted.get(), 256 * kMiB);
  if (late || late.error().code != ErrorCode::timeout) return "a device that never grew was accepted";
  std::thread host([&] {
    std::this_thread::sleep_for(100ms);
    disk.resize(128 * kMiB);
  });
  auto grown = grow_ext4(disk.path, mounted.get(), 128 * kMiB);
  host.join();
  // Being root is not enough: ext4 requires CAP_SYS_RESOURCE.
  if (!grown && grown.error().sys_errno == EPERM) return "cannot resize";
  if (!grown) return grown.error().sentence();
  if (blocks_of(directory / "mounted") < before + 60 * kMiB) return "the file system did not grow";
  return "";
}

}  // namespace

TEST_CASE("disks: a mounted file system grows with its device, which may be late") {
  test::TempDir directory;
  REQUIRE(ext4::make_empty_ext4(directory / "disk", {.label = "x", .size_bytes = 64 * kMiB, .uuid_seed = "x"}));
  auto outcome =
      test::sandbox_available() ? test::in_sandbox([&] { return check_growing(directory); }) : "no loop device";
  if (outcome == "no loop device" || outcome == "cannot resize") {
    std::printf("SKIPPED: disks: a mounted file system grows with its device, which may be late: %s here\n",
                outcome.c_str());
    return;
  }
  CHECK(outcome == "");
}

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

TEST_CASE("disks: a missing serial is not guessed by position when others exist, and the error lists those") {
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
          // After one unmount nothing is left, so the second round added nothing.
          if (::umount((directory / "new/scratch").c_str()) < 0 || is_mount_point(*root, "/new/scratch"))
            return "mounted twice";
          return "";
        }) == "");
}

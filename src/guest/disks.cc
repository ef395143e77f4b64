#include "guest/disks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/text.h"
#include "guest/bounds.h"
#include "host/files.h"

namespace banger::guest {

namespace {

struct BlockDevice {
  std::string name, serial;
};

// vda before vdb before vdaa: the order in which the machine got its disks.
bool in_device_order(const BlockDevice& a, const BlockDevice& b) {
  return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
}

std::vector<BlockDevice> virtio_disks(const std::string& sys_block) {
  std::vector<BlockDevice> disks;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(sys_block, error)) {
    BlockDevice disk{entry.path().filename().string(), {}};
    if (!disk.name.starts_with("vd")) continue;
    if (auto serial = host::read_file(entry.path().string() + "/serial", 256)) disk.serial = trim(*serial);
    disks.push_back(std::move(disk));
  }
  std::sort(disks.begin(), disks.end(), in_device_order);
  return disks;
}

const BlockDevice* with_serial(const std::vector<BlockDevice>& disks, std::string_view serial) {
  for (const auto& disk : disks)
    if (!serial.empty() && disk.serial == serial) return &disk;
  return nullptr;
}

// A VMM that cannot set serials gives each disk a serial of its own. Then only positions identify the disks.
bool serials_are_set(const std::vector<BlockDevice>& disks, const guestcfg::GuestConfig& config) {
  return std::any_of(config.disks.begin(), config.disks.end(),
                     [&](const auto& disk) { return with_serial(disks, disk.serial); });
}

std::string describe(const std::vector<BlockDevice>& disks) {
  std::string text;
  for (const auto& disk : disks)
    text += fmt::format("{}{} ('{}')", text.empty() ? "" : ", ", disk.name, printable(disk.serial));
  return text.empty() ? "none" : text;
}

// The layout of an ext4 superblock: Documentation/filesystems/ext4/super.rst.
constexpr off_t kSuperblockAt = 1024;
constexpr std::size_t kBlocksLow = 0x4, kLogBlockSize = 0x18, kMagic = 0x38, kIncompatible = 0x60, kBlocksHigh = 0x150;
constexpr std::uint32_t k64Bit = 0x80;
// _IOW('f', 16, __u64). Only the kernel's fs/ext4/ext4.h defines it.
constexpr unsigned long kResizeFs = _IOW('f', 16, std::uint64_t);

struct Geometry {
  std::uint64_t blocks, block_bytes;
};

std::uint32_t read_le32(const unsigned char* at) {
  return static_cast<std::uint32_t>(at[0] | at[1] << 8 | at[2] << 16) | static_cast<std::uint32_t>(at[3]) << 24;
}

Result<Geometry> read_geometry(int device) {
  unsigned char block[1024];
  if (::pread(device, block, sizeof block, kSuperblockAt) != static_cast<ssize_t>(sizeof block))
    return fail_errno("read its superblock");
  std::uint32_t log_size = read_le32(block + kLogBlockSize);
  if (block[kMagic] != 0x53 || block[kMagic + 1] != 0xef || log_size > 6)
    return fail(ErrorCode::corrupt, "it holds no ext4 file system");
  std::uint64_t blocks = read_le32(block + kBlocksLow);
  if (read_le32(block + kIncompatible) & k64Bit)
    blocks |= static_cast<std::uint64_t>(read_le32(block + kBlocksHigh)) << 32;
  return Geometry{blocks, 1024ull << log_size};
}

constexpr std::uint64_t kSectorBytes = 512;

Result<std::uint64_t> wait_for_size(int device, std::uint64_t wanted_bytes) {
  auto deadline = std::chrono::steady_clock::now() + limits::kResizeDeadline;
  for (;;) {
    std::uint64_t bytes = 0;
    if (::ioctl(device, BLKGETSIZE64, &bytes) < 0) return fail_errno("ask for its size");
    if (bytes >= wanted_bytes / kSectorBytes * kSectorBytes) return bytes;
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(ErrorCode::timeout,
                  fmt::format("it has {} and should have {}", format_size(bytes), format_size(wanted_bytes)));
    std::this_thread::sleep_for(limits::kResizePoll);
  }
}

}  // namespace

const guestcfg::Disk* find_role(const guestcfg::GuestConfig& config, guestcfg::Disk::Role role) {
  for (const auto& disk : config.disks)
    if (disk.role == role) return &disk;
  return nullptr;
}

Result<std::string> find_device(const guestcfg::GuestConfig& config, const guestcfg::Disk& wanted,
                                std::chrono::milliseconds wait, const std::string& sys_block) {
  auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    auto disks = virtio_disks(sys_block);
    if (const BlockDevice* disk = with_serial(disks, wanted.serial)) return "/dev/" + disk->name;
    if (wanted.index < disks.size() && !serials_are_set(disks, config)) return "/dev/" + disks[wanted.index].name;
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(ErrorCode::not_found,
                  fmt::format("there is no disk '{}'; there is {}", wanted.serial, describe(disks)));
    std::this_thread::sleep_for(limits::kDiskPoll);
  }
}

Result<> mount_in(const Root& root, const std::string& source, const std::string& target, const std::string& type,
                  unsigned long flags, const std::string& data) {
  auto at = TRY(root.force_directory(target));
  if (::mount(source.c_str(), fd_path(at.get()).c_str(), type.empty() ? nullptr : type.c_str(), flags,
              data.empty() ? nullptr : data.c_str()) < 0)
    return fail_errno(fmt::format("mount {} on {}", source, target));
  return {};
}

bool is_mount_point(const Root& root, const std::string& path) {
  auto fd = root.open_path(path, O_PATH);
  struct statx info{};
  if (!fd || ::statx(fd->get(), "", AT_EMPTY_PATH, 0, &info) < 0) return false;
  return info.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

Result<> grow_ext4(const std::string& device, int mounted_fd, std::uint64_t size_bytes) {
  auto fd = TRY(host::open_file(device, O_RDONLY));
  std::uint64_t device_bytes = TRY(in(device, wait_for_size(fd.get(), size_bytes)));
  auto now = TRY(in(device, read_geometry(fd.get())));
  std::uint64_t wanted = device_bytes / now.block_bytes;
  if (wanted <= now.blocks) return {};
  if (::ioctl(mounted_fd, kResizeFs, &wanted) < 0) return fail_errno(fmt::format("grow the file system on {}", device));
  return {};
}

}  // namespace banger::guest

#include "host/loop_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

constexpr std::string_view kMark = "banger";  // only devices with this mark are shared
constexpr __u32 kShared = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;

std::string path_of(long number) { return fmt::format("/dev/loop{}", number); }

Result<dev_t> device_of(const UniqueFd& fd) {
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail_errno("a loop device");
  return info.st_rdev;
}

bool is_read_only(const UniqueFd& file) { return (::fcntl(file.get(), F_GETFL) & O_ACCMODE) == O_RDONLY; }

/// The device, if attach_loop configured it for exactly this file. The open descriptor keeps other processes from
/// reusing it.
std::optional<LoopDevice> shared_at(const std::string& path, const struct stat& file) {
  auto fd = open_file(path, O_RDONLY);
  loop_info64 info{};
  if (!fd || ::ioctl(fd->get(), LOOP_GET_STATUS64, &info) < 0) return std::nullopt;
  auto name = std::string_view(reinterpret_cast<const char*>(info.lo_file_name),
                               ::strnlen(reinterpret_cast<const char*>(info.lo_file_name), LO_NAME_SIZE));
  bool same =
      info.lo_device == file.st_dev && info.lo_inode == file.st_ino && info.lo_offset == 0 && info.lo_sizelimit == 0;
  auto device = device_of(*fd);
  if (!same || name != kMark || (info.lo_flags & kShared) != kShared || !device) return std::nullopt;
  return LoopDevice{std::move(*fd), *device};
}

}  // namespace

Result<LoopDevice> attach_loop(const UniqueFd& file) {
  auto control = TRY(in("make a loop device", open_file("/dev/loop-control", O_RDWR)));
  bool read_only = is_read_only(file);
  loop_config config{};
  config.fd = static_cast<__u32>(file.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0);
  kMark.copy(reinterpret_cast<char*>(config.info.lo_file_name), LO_NAME_SIZE - 1);
  for (int attempt = 0; attempt < limits::kLoopDeviceAttempts; ++attempt) {
    int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("find a free loop device");
    auto fd = TRY(in("make a loop device", open_file(path_of(number), read_only ? O_RDONLY : O_RDWR)));
    if (::ioctl(fd.get(), LOOP_CONFIGURE, &config) == 0) {
      auto device = TRY(device_of(fd));
      return LoopDevice{std::move(fd), device};
    }
    if (errno != EBUSY) return fail_errno(path_of(number));
  }
  return fail(ErrorCode::busy, "other programs take every free loop device first");
}

Result<LoopDevice> share_loop(const UniqueFd& file) {
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno("the file of a loop device");
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", error)) {
    auto name = entry.path().filename().string();
    std::error_code ignored;
    if (!name.starts_with("loop") || !std::filesystem::exists(entry.path() / "loop", ignored)) continue;
    if (auto device = shared_at("/dev/" + name, info)) return std::move(*device);
  }
  return attach_loop(file);
}

}  // namespace banger::host

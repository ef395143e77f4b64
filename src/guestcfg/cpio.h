// cpio archives in "newc" format, as the Linux kernel reads them for its initramfs
// (Documentation/driver-api/early-userspace/buffer-format.rst).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guestcfg/guest_config.h"

namespace banger::guestcfg {

/// Builds one archive in memory. Paths are relative ("banger/config.json"); parents must be added first.
class CpioWriter {
 public:
  void directory(std::string_view path, std::uint32_t mode = 0755);
  void file(std::string_view path, std::string_view content, std::uint32_t mode = 0644);
  void symlink(std::string_view path, std::string_view target);
  void device(std::string_view path, std::uint32_t mode_with_type, std::uint32_t major, std::uint32_t minor);
  /// The archive with its trailer, padded to 512 bytes so that another archive may follow.
  std::string finish() &&;

 private:
  void entry(std::string_view path, std::uint32_t mode, std::string_view content, std::uint32_t major,
             std::uint32_t minor);
  std::string bytes_;
  std::uint32_t next_inode_ = 1;
};

/// The per-VM archive: `banger/config.json` and `banger/files/N`.
std::string config_archive(const GuestConfig& config);

}  // namespace banger::guestcfg

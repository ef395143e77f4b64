// The kernel's device-mapper by its ioctl interface (linux/dm-ioctl.h): block devices made of others by tables of
// targets. Needs CAP_SYS_ADMIN. What a table is for, its maker knows.
#pragma once

#include <linux/dm-ioctl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::host {

/// The kernel's side, so that tests have one that needs no device-mapper.
class DmControl {
 public:
  virtual ~DmControl() = default;
  /// As ioctl(2) on /dev/mapper/control, with dm_ioctl::data_size bytes at `buffer`. 0 or an errno.
  virtual int control(unsigned long request, dm_ioctl* buffer) = 0;
};

/// `unsupported` where the kernel has no device-mapper.
Result<std::unique_ptr<DmControl>> open_device_mapper();
/// Whether it has, for anybody to ask; opening its device has the kernel load the module.
bool has_device_mapper();

/// A line of a table. In sectors of 512 bytes.
struct DmTarget {
  std::uint64_t start = 0, length = 0;
  std::string type;        ///< "linear"
  std::string parameters;  ///< "7:3 0"
};

struct DmDevice {
  std::string uuid;
  bool active = false;  ///< it has a table and is not suspended
  int open_count = 0;   ///< by anybody, other devices included
  dev_t device = 0;
};

enum class DmAccess { read_only, read_write };

class DeviceMapper {
 public:
  /// Borrowed.
  explicit DeviceMapper(DmControl& control) : control_(control) {}

  /// What has that name.
  Result<std::optional<DmDevice>> find(const std::string& name) const;
  /// Makes it and lets it go: all of it or nothing. `exists` when the name or the uuid is taken.
  Result<DmDevice> create(const std::string& name, const std::string& uuid, std::span<const DmTarget> table,
                          DmAccess access) const;
  /// `busy` while it is open; something that looked at it for a moment is waited for. Fine when there is none.
  Result<> remove(const std::string& name) const;

 private:
  struct Call;
  Result<> load_and_resume(const std::string& name, std::span<const DmTarget> table, DmAccess access) const;

  DmControl& control_;
};

}  // namespace banger::host

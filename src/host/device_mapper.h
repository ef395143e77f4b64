// The kernel's device-mapper, through its ioctl interface (linux/dm-ioctl.h): block devices that are made of others by
// tables of targets. Needs CAP_SYS_ADMIN. The caller decides about the tables.
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

/// The kernel's side as an interface, so that tests need no device-mapper.
class DmControl {
 public:
  virtual ~DmControl() = default;
  /// Like ioctl(2) on /dev/mapper/control, with dm_ioctl::data_size bytes at `buffer`. Returns 0 or an errno.
  virtual int control(unsigned long request, dm_ioctl* buffer) = 0;
};

/// `unsupported` where the kernel has no device-mapper.
Result<std::unique_ptr<DmControl>> open_device_mapper();
/// Whether the kernel has device-mapper. Needs no privilege. The kernel loads the module when its device is opened.
bool has_device_mapper();

/// A line of a table, in sectors of 512 bytes.
struct DmTarget {
  std::uint64_t start = 0, length = 0;
  std::string type;        ///< "linear"
  std::string parameters;  ///< "7:3 0"
};

struct DmDevice {
  std::string uuid;
  bool active = false;  ///< the device has a table and is not suspended
  int open_count = 0;   ///< by all processes and other devices
  dev_t device = 0;
};

enum class DmAccess { read_only, read_write };

class DeviceMapper {
 public:
  /// Borrowed.
  explicit DeviceMapper(DmControl& control) : control_(control) {}

  /// The device with that name.
  Result<std::optional<DmDevice>> find(const std::string& name) const;
  /// Makes the device and activates it, completely or not at all. `exists` when the name or the uuid is taken.
  Result<DmDevice> create(const std::string& name, const std::string& uuid, std::span<const DmTarget> table,
                          DmAccess access) const;
  /// Removes the device. Waits while another process looks at the device briefly. `busy` while it stays open. Succeeds
  /// when there is none.
  Result<> remove(const std::string& name) const;

 private:
  struct Call;
  Result<> load_and_resume(const std::string& name, std::span<const DmTarget> table, DmAccess access) const;

  DmControl& control_;
};

}  // namespace banger::host

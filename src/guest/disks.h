// Finding, mounting and growing file systems, by their config. Linux: mount(2), sysfs, ext4's ioctls.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "guest/bounds.h"
#include "guest/root.h"
#include "guestcfg/guest_config.h"

namespace banger::guest {

/// How a VM's own ext4 disks are mounted. Freed blocks go back to the host. Inode tables stay as they are: a new disk
/// is sparse, and clearing the tables in the background would fill it with zeros.
inline constexpr const char* kDiskOptions = "discard,noinit_itable";

/// The disk of that role, or null.
const guestcfg::Disk* find_role(const guestcfg::GuestConfig& config, guestcfg::Disk::Role role);

/// The device node ("/dev/vdb") of one of the config's disks. The serial identifies the disk; if no disk has any of the
/// config's serials, the position does. Waits for the device. `not_found` lists the disks that exist.
Result<std::string> find_device(const guestcfg::GuestConfig& config, const guestcfg::Disk& disk,
                                std::chrono::milliseconds wait = limits::kDiskDeadline,
                                const std::string& sys_block = "/sys/block");

/// mount(2) with the target resolved inside `root`; the target is made a directory
/// if it is none.
Result<> mount_in(const Root& root, const std::string& source, const std::string& target, const std::string& type,
                  unsigned long flags, const std::string& data);
/// Whether `path` is a mount point or the root of a mount.
bool is_mount_point(const Root& root, const std::string& path);

/// Grows a mounted ext4 to the size of its device, online (ioctl EXT4_IOC_RESIZE_FS). Succeeds if there is nothing to
/// do. First waits until the device has at least `size_bytes`, because a running guest sees a resize a moment after the
/// host made it. `timeout` if the device stays smaller.
Result<> grow_ext4(const std::string& device, int mounted_fd, std::uint64_t size_bytes = 0);

/// A generic mount entry: options as mount(8) has them ("ro,noatime,size=1M"). Succeeds if the mount exists already.
Result<> apply_mount(const Root& root, const guestcfg::Mount& mount);

/// mount(8) options, split into flags of mount(2) and the rest, which goes to the file system. Pure.
struct MountOptions {
  unsigned long flags = 0;
  std::string data;
};
MountOptions parse_mount_options(std::string_view options);

}  // namespace banger::guest

// Loop devices: a file as a block device, by ioctl (loop(4)). Needs CAP_SYS_ADMIN. The kernel removes a loop device
// when its last user closes it. So a process that dies leaves no device behind.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

struct LoopDevice {
  UniqueFd fd;  ///< keeps the device; so does another device made from it
  dev_t device = 0;
};

/// Makes a loop device of an open regular file, with the file's access mode: a file opened for reading gives a
/// read-only device.
Result<LoopDevice> attach_loop(const UniqueFd& file);

/// Returns an existing read-only device of that file, made by attach_loop and still open, or else a new one. So users
/// of one file share one device.
Result<LoopDevice> share_loop(const UniqueFd& file);

}  // namespace banger::host

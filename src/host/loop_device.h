// Loop devices: a file as a block device, by ioctl (loop(4)). Needs CAP_SYS_ADMIN. Each goes by itself when nobody has
// it open any more, so that whoever dies in between leaves none behind.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

struct LoopDevice {
  UniqueFd fd;  ///< keeps it; so does a device that is made of it
  dev_t device = 0;
};

/// Of an open regular file, with its rights: one opened for reading gives a read-only device.
Result<LoopDevice> attach_loop(const UniqueFd& file);

/// A read-only one of that file that attach_loop made before and that somebody still has open, else a new one: those
/// who share a file share its device.
Result<LoopDevice> share_loop(const UniqueFd& file);

}  // namespace banger::host

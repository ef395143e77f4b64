// Which init an image has, read from its ext4 without mounting it.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::image {

/// "systemd", "openrc", "runit", "busybox", "none" (there is no /sbin/init), or "other" (an init that banger does not
/// know). Follows symlinks inside the image (usr-merge, /sbin/init → systemd).
Result<std::string> detect_init(const std::string& image_path);

}  // namespace banger::image

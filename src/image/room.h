// Room on the host's disk while an image is written.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::image {

/// `exhausted` when the file system of `directory` has less than its reserve left. Running machines need that room,
/// because their disks grow. Cheap.
Result<> check_room(const std::string& directory);

}  // namespace banger::image

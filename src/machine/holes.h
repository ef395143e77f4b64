// Making a file sparse again that was written whole.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::machine {

/// Gives back the blocks of `path` that are all zeros: they become holes, and read as before. A file system that has no
/// holes is fine. Blocking. Source: fallocate(2), FALLOC_FL_PUNCH_HOLE.
Result<> dig_holes(const std::string& path);

}  // namespace banger::machine

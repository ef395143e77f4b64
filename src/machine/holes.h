// Makes a file sparse again that was written without holes.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::machine {

/// Frees the blocks of `path` that contain only zeros: they become holes, and read as before. Does nothing on a file
/// system without holes. Blocking. Source: fallocate(2), FALLOC_FL_PUNCH_HOLE.
Result<> punch_holes(const std::string& path);

}  // namespace banger::machine

// Puts the entry of an archive into an image: decides which entries are accepted, and converts them.
#pragma once

#include "base/result.h"
#include "ext4/build.h"
#include "tar/reader.h"

namespace banger::ext4 {

/// Adds `entry`, which `reader` gave last, with its content. Errors name the entry.
Result<> add_entry(tar::TarReader& reader, Build& build, const tar::TarEntry& entry, const Progress& progress);

}  // namespace banger::ext4

// Names inside archives, taken apart safely. Pure; knows nothing of files.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::tar {

enum class AbsoluteNames { refuse, make_relative };

/// The components of an archive member's name (views into it), without "." and empty ones: "./" gives none.
/// `invalid`, naming it, when it is empty, absolute (if refused), has a ".." component, a component over 255 bytes, or
/// is longer than limits::kPathBytes.
Result<std::vector<std::string_view>> split_member(std::string_view name, AbsoluteNames absolute);

}  // namespace banger::tar

// Splits names inside archives safely. Pure; touches no files.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::tar {

inline constexpr std::size_t kNameBytes = 255;  ///< of one component; NAME_MAX of Linux and of ext4

enum class AbsoluteNames { refuse, make_relative };

/// The components of an archive member's name (views into it), without "." and empty ones: "./" gives none. `invalid`,
/// naming the member, in these cases: the name is empty, absolute (if refused), or longer than limits::kPathBytes, or a
/// component is ".." or over 255 bytes.
Result<std::vector<std::string_view>> split_member(std::string_view name, AbsoluteNames absolute);

}  // namespace banger::tar

// A marked block of lines inside a text file that others edit too. Pure.
#pragma once

#include <string>
#include <string_view>

namespace banger::guest {

/// `text` with banger's block replaced by `lines` (each ends in a line break). A missing block is appended, and an
/// empty `lines` removes the block. Everything outside the block stays byte for byte.
std::string with_block(std::string_view text, std::string_view lines);

}  // namespace banger::guest

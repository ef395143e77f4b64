// Markdown for the pages of docs/ that the program prints.
#pragma once

#include <string>
#include <string_view>

namespace banger::roles::cli {

/// `text` in lines of at most 120 columns. The first line begins with `first`, all others with `next`.
std::string wrapped(std::string_view text, std::string_view first = "", std::string_view next = "");
/// An item of a list.
inline std::string item(std::string_view text) { return wrapped(text, "- ", "  "); }

}  // namespace banger::roles::cli

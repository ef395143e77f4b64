// The one change that banger makes to the user's own ~/.ssh/config, and only when asked: a marked block at its top,
// which includes banger's file. Every other byte of the file stays.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::roles::cli {

/// `text` with the block at its top. A block of banger anywhere in the text is moved there. Pure.
std::string with_include(std::string_view text, std::string_view path);
/// `text` without the block. Line breaks of either kind are understood. A block whose end is missing was edited by
/// hand, and stays. Pure.
std::string without_include(std::string_view text);
bool has_include(std::string_view text, std::string_view path);

enum class Edit { unchanged, changed };
/// Changes ~/.ssh/config in one step, and creates what is missing: the file with mode 0600, its directory with 0700. A
/// symlink is followed, and its target changed. Mode and owner stay. Errors name the file and have a hint: a symlink
/// that leads nowhere, a file that is read-only or no regular file.
Result<Edit> install_include(const std::string& home, std::string_view path);
/// The same for the removal. A missing file is fine.
Result<Edit> uninstall_include(const std::string& home);
/// Whether ssh of this user reads `path`, as far as banger's own block says.
bool is_included(const std::string& home, std::string_view path);

}  // namespace banger::roles::cli

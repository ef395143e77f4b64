// Debian binary packages (deb(5)), read in process: an ar archive whose data.tar.* member holds the files. No dpkg
// needed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image {

/// Called with the path of each regular file in the package ("boot/vmlinuz-6.1.0"). Returns the plain file name to
/// write it under, or nullopt to skip it.
using DebFilter = std::function<std::optional<std::string>(std::string_view path)>;

/// Writes the files that the filter wants into the existing `directory`, mode 0644. Untrusted input: links and special
/// files are skipped, and sizes are bounded by limits::kPackageBytes. Names from the filter with a '/' are refused.
/// `corrupt` when the input is damaged or not a package. Reads from the descriptor's offset on (a file or a pipe).
/// Blocking.
Result<> extract_deb(int deb_fd, const std::string& directory, const DebFilter& filter);

}  // namespace banger::image

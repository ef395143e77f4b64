// Debian binary packages (deb(5)), read in process: an ar archive whose data.tar.* member holds the files. No dpkg
// needed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image {

/// Told the path of each regular file in the package ("boot/vmlinuz-6.1.0"): the plain file name to write it under, or
/// nullopt.
using DebFilter = std::function<std::optional<std::string>(std::string_view path)>;

/// Writes the files that the filter wants into the existing `directory`, mode 0644. Untrusted input: names with a '/'
/// are refused, links and special files are skipped, sizes are bounded by limits::kPackageBytes. `corrupt` when it is
/// damaged or no package. Reads from the descriptor's offset on (a file or a pipe). Blocking.
Result<> extract_deb(int deb_fd, const std::string& directory, const DebFilter& filter);

}  // namespace banger::image

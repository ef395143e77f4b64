// Opens paths of requests safely: beneath an allowed directory, without following links. The file stays the same from
// check to use, because its descriptor holds it (openat2(2)).
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// `invalid` unless `path` is absolute, at most limits::kPathBytes long, and free of empty, `.` and `..` parts and of
/// zero bytes. Looks at no file.
Result<> check_plain_path(std::string_view path);

/// Opens `path`, which must be beneath one of `roots` and not itself a root. No part of either may be a symbolic link.
/// `denied` when the path is outside or contains a link. `flags` are those of open(2), plus O_CLOEXEC and O_NOFOLLOW.
Result<UniqueFd> open_beneath(std::span<const std::string> roots, std::string_view path, int flags, mode_t mode = 0);

/// As open_beneath, for a regular file that belongs to `owner` and has only one name. `denied` for a file with a second
/// hard link, which may lead to another directory.
Result<UniqueFd> open_owned_file(std::span<const std::string> roots, std::string_view path, int flags, uid_t owner);

/// Opens the regular file `path` beneath an open directory to read it. Links are followed while they stay beneath it.
/// `denied`, with the errno EXDEV, for a link that leads out, as every absolute link does. Never waits for the writer
/// of a FIFO: `invalid` for all that is no regular file.
Result<UniqueFd> open_regular_beneath(int directory, const std::string& path);

/// A path for an open file, for functions that take paths. Valid only while the descriptor is open, and only in this
/// process.
std::string path_of_fd(const UniqueFd& fd);

}  // namespace banger::host

// Opening what a request names, without being led astray: beneath a directory that was allowed, over no link, and the
// same file from check to use, because it is held by its descriptor (openat2(2)).
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// `invalid` unless `path` is absolute, at most limits::kPathBytes long, and free of empty, `.` and `..` parts and of
/// zero bytes. Nothing is looked at.
Result<> check_plain_path(std::string_view path);

/// Opens `path`, which must be beneath one of `roots` (not a root itself); no part of either may be a symbolic link.
/// `denied` when it is outside or over a link. `flags` as of open(2); O_CLOEXEC and O_NOFOLLOW are added.
Result<UniqueFd> open_beneath(std::span<const std::string> roots, std::string_view path, int flags, mode_t mode = 0);

/// The same for a regular file that belongs to `owner` and has one name only: one that was hard-linked from elsewhere
/// is `denied`.
Result<UniqueFd> open_owned_file(std::span<const std::string> roots, std::string_view path, int flags, uid_t owner);

/// How to hand an open file to what takes a path. Valid while the descriptor is open, and in this process only.
std::string path_of_fd(const UniqueFd& fd);

}  // namespace banger::host

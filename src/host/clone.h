// A copy of a large file that can end early.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/result.h"

namespace banger::host {

/// Asked before each piece of at most limits::kClonePieceBytes. Its error ends the copying.
using GoOn = std::function<Result<>()>;

/// As clone_file() of host/files.h. A copy that ended early leaves no file. A reflink takes no room, and is not asked
/// about.
Result<> clone_file(const std::string& from, const std::string& to, mode_t mode, const GoOn& go_on);

}  // namespace banger::host

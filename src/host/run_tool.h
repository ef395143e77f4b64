// Running a short program to its end where there is no event loop: in the root helper, or on the pool's threads.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::host {

/// Where the system's own programs are; nothing of a user's.
inline constexpr const char* kSystemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs argv with an environment of kSystemPath and the C locale, in `/`, with empty input; gives what it wrote to
/// stdout, the first 64 KiB. Blocks; `timeout` after the deadline, when it is killed; `unavailable` with the last line
/// of its stderr when it fails; `not_found` when there is no such program.
Result<std::string> run_tool(const std::vector<std::string>& argv, std::chrono::milliseconds deadline);

}  // namespace banger::host

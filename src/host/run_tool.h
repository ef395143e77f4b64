// Runs a short program to its end without an event loop: in the root helper, or on the pool's threads.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::host {

/// The system's directories of programs, without a user's.
inline constexpr const char* kSystemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs argv in `/`, with empty input. The environment has only kSystemPath and the C locale. Returns the first 64 KiB
/// of stdout. Blocks.
///
/// Errors: `timeout` after the deadline, when the program is killed. `unavailable`, with the last line of stderr, when
/// the program fails. `not_found` when there is no such program.
Result<std::string> run_tool(const std::vector<std::string>& argv, std::chrono::milliseconds deadline);

}  // namespace banger::host
